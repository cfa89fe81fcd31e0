"""The web shell: pages, APIs, errors, words and numbers as people read them."""
