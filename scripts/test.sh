# Tests. Sourced by ./berth.
run_tests() { die 'not yet'; }
