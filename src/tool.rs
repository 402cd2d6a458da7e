//! What the tool's commands do beside serving and deploying.

pub mod backend;
pub mod routes;
pub mod scaffold;
pub mod schema;
pub mod transfer;
