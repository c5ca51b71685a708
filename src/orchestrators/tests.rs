//! Which components run, on which files, and in which order.
