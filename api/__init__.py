"""The Python API: one call for each thing that the command line does, with objects that print well."""
