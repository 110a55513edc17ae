//! Commands that need no shell: a program and plain words, started as a login bash would start them, without the bash.
//!
//! `bash -l -c 'git status'` reads its start files, finds the program and becomes it. When the start files are ones whose
//! whole effect is a set of exported variables, that set can be learned from one real login shell and is good for as long as
//! no file that it came from changes. Whatever is doubtful goes to bash.

pub mod login;
pub mod start_files;
pub mod words;
