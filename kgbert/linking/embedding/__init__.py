"""Link by the similarity of encoded names and descriptions."""
