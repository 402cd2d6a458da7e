//! `modulo webhooks`.

mod replay;
mod send;

/// Try the webhooks that modules.toml names, and send again what could not be sent
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Send(send::Args),
    Replay(replay::Args),
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match self.command {
                Command::Send(args) => args.run().await,
                Command::Replay(args) => args.run().await,
            }
        })
    }
}
