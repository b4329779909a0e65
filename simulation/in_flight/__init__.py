"""Operations in flight while a release is deployed: recorded of one, held against the next."""
