//! `hash` (FIPS 180-4), `hmac` (RFC 4231) and `crypto`.

use super::{check, refused};
use crate::script::tests::support::failure;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn digests_of_abc_are_those_of_fips_180() {
    check("hash::sha1(\"abc\")", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check("hash::sha256(\"abc\")", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check(
        "hash::sha384(\"abc\")",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
    check(
        "hash::sha512(\"abc\")",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
         454d4423643ce80e2a9ac94fa54ca49f",
    );
}

#[test]
fn digests_take_blobs_and_give_bytes() {
    check("hash::sha256(\"\")", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check(
        "hash::sha256(hex::decode(\"616263\"))",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    check("hex::encode(hash::sha256_bytes(\"abc\")) == hash::sha256(\"abc\")", "true");
    refused("hash::sha256(#{})", "data is a string or a blob, not map");
}

/// Key, data and HMAC-SHA-256 of RFC 4231: cases 1, 2 (a short key) and 6 (a key longer than a block).
fn rfc_4231() -> [(String, &'static str, &'static str); 3] {
    [
        ("0b".repeat(20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            "4a656665".into(),
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "aa".repeat(131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ]
}

#[test]
fn hmac_has_the_vectors_of_rfc_4231() {
    for (key, text, expected) in rfc_4231() {
        let arguments = format!("hex::decode(\"{key}\"), \"{text}\"");
        check(&format!("hmac::sha256({arguments})"), expected);
        check(&format!("hex::encode(hmac::sha256_bytes({arguments}))"), expected);
        check(&format!("hmac::verify_sha256({arguments}, \"{expected}\")"), "true");
        check(&format!("hmac::verify_sha256({arguments}, \"{}\")", expected.to_uppercase()), "true");
        check(&format!("hmac::verify_sha256({arguments}, \"{}00\")", &expected[..62]), "false");
        check(&format!("hmac::verify_sha256({arguments}, \"{}\")", &expected[..62]), "false");
        check(&format!("hmac::verify_sha256({arguments}, \"nonsense\")"), "false");
    }
    check(
        "hmac::sha512(\"Jefe\", \"what do ya want for nothing?\")",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
         caeab1a34d4a6b4b636e070a38bce737",
    );
    refused("hmac::sha256(1, \"\")", "the key is a string or a blob, not i64");
}

#[test]
fn equal_compares_bytes() {
    check("crypto::equal(\"abc\", \"abc\")", "true");
    check("crypto::equal(\"abc\", hex::decode(\"616263\"))", "true");
    check("crypto::equal(\"abc\", \"abd\")", "false");
    check("crypto::equal(\"abc\", \"abcd\")", "false");
    check("crypto::equal(\"\", \"\")", "true");
}

#[test]
fn a_sealed_text_opens_with_the_same_key_in_either_form() {
    check(
        &format!("crypto::open(\"{KEY}\", crypto::seal(\"{KEY}\", \"h\u{e9} #1\")) == \"h\u{e9} #1\""),
        "true",
    );
    check(&format!("crypto::open(hex::decode(\"{KEY}\"), crypto::seal(\"{KEY}\", \"\")) == \"\""), "true");
}

#[test]
fn sealing_is_aes_256_gcm_with_the_nonce_in_front() {
    // Computed with another implementation: key KEY, nonce twelve times 7 as the test's host gives it.
    check(&format!("hex::encode(base64::decode(crypto::seal(\"{KEY}\", \"hello\")))"), SEALED_HELLO);
}

const SEALED_HELLO: &str = "070707070707070707070707670fca3000c28663417779233edbed7e5c24293abf";

#[test]
fn what_was_not_sealed_with_this_key_does_not_open() {
    let other = KEY.replace("00", "01");
    check(&format!("crypto::open(\"{other}\", crypto::seal(\"{KEY}\", \"x\")) == ()"), "true");
    for text in ["", "AAAA", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        check(&format!("crypto::open(\"{KEY}\", \"{text}\") == ()"), "true");
    }
    let changed = format!(
        "{{ let sealed = base64::decode(crypto::seal(\"{KEY}\", \"x\")); sealed[12] = sealed[12] ^ 1; \
         crypto::open(\"{KEY}\", base64::encode(sealed)) == () }}"
    );
    check(&changed, "true");
}

#[test]
fn a_key_that_is_none_is_refused_without_showing_it() {
    for key in ["\"s3cret\"", "hex::decode(\"aabbccdd\")", "\"0123456789abcdef0123456789abcdef\""] {
        refused(
            &format!("crypto::seal({key}, \"x\")"),
            "a blob of 32 bytes or a text of 64 hexadecimal digits",
        );
        refused(
            &format!("crypto::open({key}, \"x\")"),
            "a blob of 32 bytes or a text of 64 hexadecimal digits",
        );
    }
    let error = failure("fn on_request(req) { crypto::seal(\"s3cret\", \"x\"); return; }");
    assert!(!error.message.contains("s3cret"), "{error}");
}
