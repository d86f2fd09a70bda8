"""The texts and their versions: drafted from sources, published once, never changed."""
