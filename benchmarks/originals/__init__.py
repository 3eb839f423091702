"""The jobs as the plans describe them: a loop that sends a statement for each row.

Each module does one job on a connection that it is given and reports nothing but how many rows it went through. They
are measured, never used. Defects of the originals that would change the result are left out, so that it is comparable.
"""
