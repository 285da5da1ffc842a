"""Reading a Hugging Face config.json: its fields by any of their names, its layers, its quantisation."""
