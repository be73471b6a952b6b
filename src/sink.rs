//! Where documents go: stdout, files, nowhere; and the loop that delivers, retries and buries.
