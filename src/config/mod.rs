//! Configuration: layers of settings resolved into one checked, saved and hashed configuration.
