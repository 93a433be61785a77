"""The requester's side: MTurk's operations over HTTP, as any AWS client calls them."""
