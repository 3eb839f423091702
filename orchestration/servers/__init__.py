"""The servers that Espalier runs itself: an embedded Postgres, and the web server behind its allow-list.

Each module holds one noun; nothing is imported here, so that a command pays only for the server that it touches.
"""
