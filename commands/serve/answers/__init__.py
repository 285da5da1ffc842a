"""What is answered to clients: JSON in, JSON out, in processes that know no HTTP."""
