//! Short memory of executions that ended and were closed, so that none ever starts twice.

use crate::messages::Status;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

const MAX_TOMBS: usize = 1024;

struct Tomb {
    digest: [u64; 2],
    status: Status,
    ends: [u64; 2],
}

/// The last executions that are gone.
#[derive(Default)]
pub struct Tombs(VecDeque<Tomb>);

fn digest(execution_id: &str) -> [u64; 2] {
    [1u8, 2].map(|salt| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        execution_id.hash(&mut hasher);
        hasher.finish()
    })
}

impl Tombs {
    /// Remembers how an execution ended and the final offsets of its outputs.
    pub fn bury(&mut self, execution_id: &str, status: &Status, ends: [u64; 2]) {
        if self.0.len() >= MAX_TOMBS {
            self.0.pop_front();
        }
        let status = Status {
            execution_id: String::new(),
            ..status.clone()
        };
        self.0.push_back(Tomb {
            digest: digest(execution_id),
            status,
            ends,
        });
    }

    /// How an execution ended, if it is remembered.
    pub fn find(&self, execution_id: &str) -> Option<(Status, [u64; 2])> {
        let wanted = digest(execution_id);
        let tomb = self.0.iter().rev().find(|tomb| tomb.digest == wanted)?;
        let status = Status {
            execution_id: execution_id.into(),
            ..tomb.status.clone()
        };
        Some((status, tomb.ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_ones() {
        let mut tombs = Tombs::default();
        for number in 0..MAX_TOMBS + 1 {
            let status = Status {
                pid: number as u32,
                ..Status::default()
            };
            tombs.bury(&format!("e{number}"), &status, [1, 2]);
        }
        assert!(tombs.find("e0").is_none());
        let (status, ends) = tombs.find("e1").unwrap();
        assert_eq!(
            (status.pid, status.execution_id.as_str(), ends),
            (1, "e1", [1, 2])
        );
    }
}
