//! Whole runs of the machine in a simulated world, and of the driver with simulated executors.

mod driving;
mod laws;
mod sim;
mod worlds;
