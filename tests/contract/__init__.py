"""One suite for every transport, against a small controller that obeys the shipped profiles."""
