//! Failures as the host sees them: a stable code, a sentence for people, the errno where there is one.

use std::fmt::{self, Display};
use std::io;

/// Why a command failed; `protocol.ts` lists the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadRequest,
    Os,
    RuntimeFailed,
    Timeout,
    NetworkNotReady,
    SlotsExhausted,
    Busy,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::BadRequest => "badRequest",
            Code::Os => "os",
            Code::RuntimeFailed => "runtimeFailed",
            Code::Timeout => "timeout",
            Code::NetworkNotReady => "networkNotReady",
            Code::SlotsExhausted => "slotsExhausted",
            Code::Busy => "busy",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Error {
    pub code: Code,
    pub message: String,
    pub errno: Option<i32>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error {
            code,
            message: message.into(),
            errno: None,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Error::new(Code::BadRequest, message)
    }

    /// A system call that failed: names the call, what it was about, and the system's own words.
    pub fn os(call: &str, subject: impl Display, cause: &io::Error) -> Self {
        Error {
            code: Code::Os,
            message: format!("{call} {subject}: {cause}"),
            errno: cause.raw_os_error(),
        }
    }

    /// As [`Error::os`], of the calling thread's errno.
    pub fn last_os(call: &str, subject: impl Display) -> Self {
        Error::os(call, subject, &io::Error::last_os_error())
    }

    pub fn is_errno(&self, errno: i32) -> bool {
        self.errno == Some(errno)
    }
}

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Turns the -1 of a system call into an [`Error`].
pub fn check(returned: i64, call: &str, subject: impl Display) -> Result<i64> {
    if returned < 0 {
        Err(Error::last_os(call, subject))
    } else {
        Ok(returned)
    }
}

/// Name of an errno (`ENOSPC`), or `E<number>` for one that is rarely met here.
pub fn errno_name(errno: i32) -> String {
    let known = match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::EINTR => "EINTR",
        libc::EIO => "EIO",
        libc::EBADF => "EBADF",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EXDEV => "EXDEV",
        libc::ENODEV => "ENODEV",
        libc::ENOTDIR => "ENOTDIR",
        libc::EISDIR => "EISDIR",
        libc::EINVAL => "EINVAL",
        libc::ENFILE => "ENFILE",
        libc::EMFILE => "EMFILE",
        libc::ENOTTY => "ENOTTY",
        libc::ENOSPC => "ENOSPC",
        libc::EROFS => "EROFS",
        libc::ENOSYS => "ENOSYS",
        libc::ENOTEMPTY => "ENOTEMPTY",
        libc::ELOOP => "ELOOP",
        libc::EOVERFLOW => "EOVERFLOW",
        libc::EDQUOT => "EDQUOT",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::EADDRINUSE => "EADDRINUSE",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        other => return format!("E{other}"),
    };
    known.to_owned()
}
