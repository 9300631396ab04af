"""The tasks whose answers connect spans of a text: relations and events."""
