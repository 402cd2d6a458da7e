#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| modulo_fuzz::patch(input));
