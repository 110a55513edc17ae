//! How operating system errors become the protocol's errors.

use crate::messages::{Error, ErrorCode};
use std::io;

/// Result of an operation that a caller hears about.
pub type Outcome<T> = Result<T, Box<Error>>;

/// An error of the protocol.
pub fn failure(code: ErrorCode, message: impl Into<String>) -> Box<Error> {
    Box::new(Error {
        code: code as i32,
        message: message.into(),
        os_error: 0,
    })
}

/// A request that makes no sense.
pub fn invalid(message: impl Into<String>) -> Box<Error> {
    failure(ErrorCode::Invalid, message)
}

fn code_of(os_error: i32) -> ErrorCode {
    match os_error {
        libc::ENOENT => ErrorCode::NotFound,
        libc::EISDIR => ErrorCode::IsDirectory,
        libc::ENOTDIR => ErrorCode::NotDirectory,
        libc::EACCES | libc::EPERM | libc::EROFS => ErrorCode::Permission,
        libc::EEXIST => ErrorCode::Exists,
        libc::ENOSPC | libc::EDQUOT => ErrorCode::NoSpace,
        libc::EFBIG | libc::E2BIG => ErrorCode::TooLarge,
        libc::ENOTEMPTY => ErrorCode::NotEmpty,
        libc::EINVAL | libc::ENAMETOOLONG | libc::ELOOP => ErrorCode::Invalid,
        libc::EAGAIN | libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EBUSY => ErrorCode::Busy,
        libc::ECONNREFUSED => ErrorCode::Refused,
        libc::ENOSYS | libc::EOPNOTSUPP => ErrorCode::Unsupported,
        libc::ECANCELED => ErrorCode::Cancelled,
        _ => ErrorCode::Io,
    }
}

/// What the operating system said about a path (or another subject).
pub fn os_failure(error: &io::Error, subject: &str) -> Box<Error> {
    let number = error.raw_os_error().unwrap_or(0);
    let code = code_of(number);
    let message = match code {
        ErrorCode::NotFound => format!("file does not exist: {subject}"),
        ErrorCode::IsDirectory => format!("{subject} is a directory"),
        ErrorCode::NotDirectory => format!("not a directory: {subject}"),
        ErrorCode::Permission if number == libc::EROFS => {
            format!("read-only file system: {subject}")
        }
        ErrorCode::Permission => format!("permission denied: {subject}"),
        ErrorCode::Exists => format!("already exists: {subject}"),
        ErrorCode::NoSpace => format!("no space left on device: {subject}"),
        ErrorCode::NotEmpty => format!("directory is not empty: {subject}"),
        _ => format!("{subject}: {}", describe(error)),
    };
    Box::new(Error {
        code: code as i32,
        message,
        os_error: number as u32,
    })
}

fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_path_in_the_usual_words() {
        let text = |number| os_failure(&io::Error::from_raw_os_error(number), "/x").message;
        assert_eq!(text(libc::ENOENT), "file does not exist: /x");
        assert_eq!(text(libc::EISDIR), "/x is a directory");
        assert_eq!(text(libc::EACCES), "permission denied: /x");
        assert_eq!(text(libc::ENOSPC), "no space left on device: /x");
        assert_eq!(text(libc::EIO), "/x: input/output error");
    }
}
