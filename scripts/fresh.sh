# ./berth test fresh: the tests on a plain minimal Debian, made for the purpose. Sourced by ./berth.
run_fresh() { die 'not yet'; }
