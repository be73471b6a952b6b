//! Exit codes: who is to blame, in the numbers of BSD's `sysexits.h`.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is done.
    Success,
    /// The command line is wrong.
    Usage,
    /// The input given on the command line cannot be read.
    NoInput,
    /// Whatever is needed from outside is not there.
    Unavailable,
    /// Our own fault.
    Software,
    /// The config is wrong.
    Config,
    /// A code that the pipeline chose.
    Code(u8),
}

// === impl Exit ===

impl Exit {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Usage => 64,
            Self::NoInput => 66,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::Config => 78,
            Self::Code(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
