//! modulo through its public doors: HTTP in, the real DynamoDB protocol out, over sockets.

#![allow(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]

mod app;
mod command;
mod conditions;
mod config;
mod contract;
mod faults;
mod lambda;
mod patch;
mod property;
mod readme;
mod reload;
mod runtime_api;
