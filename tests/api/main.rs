//! modulo through its public doors: HTTP in, the real DynamoDB protocol out, over sockets.

mod app;
mod command;
mod config;
mod contract;
mod faults;
mod property;
mod reload;
