"""Keys and ciphers: one data key per patient, wrapped by a master key; keyed blind indexes."""
