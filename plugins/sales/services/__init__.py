"""Use cases of sales: one public function each; they take the session and never commit."""
