//! What the tool's commands do beside serving and deploying.

pub mod scaffold;
pub mod transfer;
