"""Where the record lies: tables, connections, the one writer, and the searches over them."""
