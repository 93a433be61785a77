"""Questions and answers as MTurk's XML documents. Pure: no database, no request."""
