"""The inference graph: operators, the rewritings that make it fast, and their inverses."""
