"""An example of a package that extends kgbert: one module for each kind of choice."""
