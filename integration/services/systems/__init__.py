"""Settings of both systems, their connectors, and the object names of the books."""
