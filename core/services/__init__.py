"""Use cases of the core: one public function each; they take the session and never commit."""
