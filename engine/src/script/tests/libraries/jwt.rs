//! `jwt`: the vectors of RFC 7515, round trips with every kind of key, and tokens that must not pass.

use std::rc::Rc;

use super::{check, refused};
use crate::script::tests::support::{TestHost, drive, failure, step};
use crate::{Answer, Hook, Verdict};

const ES256_PRIVATE: &str = include_str!("keys/es256.pem");
const ES256_PUBLIC: &str = include_str!("keys/es256.pub.pem");
const ED25519_PRIVATE: &str = include_str!("keys/ed25519.pem");
const ED25519_PUBLIC: &str = include_str!("keys/ed25519.pub.pem");
const RSA_PRIVATE: &str = include_str!("keys/rsa.pem");
const RSA_PRIVATE_PKCS1: &str = include_str!("keys/rsa.pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");
const RFC7515_A2_PUBLIC: &str = include_str!("keys/rfc7515-a2.pub.pem");

/// RFC 7515, appendix A.1; the claims of A.2 and A.3 are the same.
const A1_HEADER: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
const CLAIMS: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const A1_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A1_KEY: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
     F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383\
     LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
     wlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// One second before the tokens of RFC 7515 expire.
const BEFORE_EXPIRY: i128 = 1_300_819_379 - 1_700_000_000;

/// The claim `iss` of a token, or the error, at a time relative to the host's clock.
fn verified(token: &str, options: &str, offset_seconds: i128) -> Result<String, String> {
    let source = format!(
        "fn on_request(req) {{ req.headers[\"x-out\"] = jwt::verify(`{token}`, #{{ {options} }}).iss }}"
    );
    let host = Rc::new(TestHost::default());
    host.unix_offset_seconds.set(offset_seconds);
    let (exchange, verdict) = drive(&step(&source), Hook::Request, &host, |_| Answer::Go);
    match verdict {
        Verdict::Continue => Ok(exchange.request.headers["x-out"].to_str().unwrap().to_owned()),
        Verdict::Fail(error) => Err(error.message),
        other @ (Verdict::Reply(_) | Verdict::Refuse(_)) => panic!("{other:?}"),
    }
}

#[test]
fn tokens_of_rfc_7515_pass_until_they_expire() {
    let secret = format!("algorithms: [\"HS256\"], secret: base64::decode(\"{A1_KEY}\")");
    let rsa = format!("algorithms: [\"RS256\"], key: `{RFC7515_A2_PUBLIC}`");
    let ecdsa = format!("algorithms: [\"ES256\"], key: `{ES256_PUBLIC}`");
    for (header, signature, options) in [
        (A1_HEADER, A1_SIGNATURE, &secret),
        ("eyJhbGciOiJSUzI1NiJ9", A2_SIGNATURE, &rsa),
        ("eyJhbGciOiJFUzI1NiJ9", A3_SIGNATURE, &ecdsa),
    ] {
        let token = format!("{header}.{CLAIMS}.{signature}");
        assert_eq!(verified(&token, options, BEFORE_EXPIRY), Ok("joe".into()));
        assert_eq!(verified(&token, options, BEFORE_EXPIRY + 1), Err("the token has expired".into()));
        let lenient = format!("{options}, leeway: 10");
        assert_eq!(verified(&token, &lenient, BEFORE_EXPIRY + 10), Ok("joe".into()));
        assert!(verified(&token, &lenient, BEFORE_EXPIRY + 11).is_err());
        let changed = format!("{header}.{}.{signature}", CLAIMS.replace("qb2Ui", "qb2Ii"));
        assert_eq!(verified(&changed, options, BEFORE_EXPIRY), Err("the token's signature is wrong".into()));
    }
}

#[test]
fn every_kind_of_key_signs_and_verifies() {
    let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let keys = rsa
        .iter()
        .flat_map(|name| [(*name, RSA_PRIVATE, RSA_PUBLIC), (*name, RSA_PRIVATE_PKCS1, RSA_PUBLIC)])
        .chain([("ES256", ES256_PRIVATE, ES256_PUBLIC), ("EdDSA", ED25519_PRIVATE, ED25519_PUBLIC)]);
    for (algorithm, private, public) in keys {
        check(
            &format!(
                "jwt::verify(jwt::sign(#{{ sub: \"ann\" }}, #{{ algorithm: \"{algorithm}\", key: `{private}` }}), \
                 #{{ algorithms: [\"{algorithm}\"], key: `{public}` }}).sub"
            ),
            "ann",
        );
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
        check(
            &format!(
                "jwt::verify(jwt::sign(#{{ n: 1 }}, #{{ algorithm: \"{algorithm}\", secret: \"k\" }}), \
                 #{{ algorithms: \"{algorithm}\", secret: \"k\" }}).n"
            ),
            "1",
        );
    }
}

#[test]
fn a_token_of_another_implementation_passes() {
    let token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.WLhUgz4C2X1UpDBgbZYWlFbYFeD8-j6y2c0PbKZ3Tlw-VScuu6YJHY0lo\
                 j3h2ieGwKpLc_Zy08huZtmBAj-BDg";
    let options = format!("#{{ algorithms: [\"EdDSA\"], key: `{ED25519_PUBLIC}` }}");
    check(&format!("jwt::verify(\"{token}\", {options}).sub"), "ann");
}

#[test]
fn signing_sets_what_the_options_say() {
    let token = "jwt::sign(#{ sub: \"ann\" }, #{ secret: \"k\", kid: \"k1\", issuer: \"i\", audience: [\"a\", \"b\"], \
                 ttl: 60 })";
    check(
        &format!("json::stringify(jwt::decode({token}))"),
        r#"{"claims":{"aud":["a","b"],"exp":1700000060,"iat":1700000000,"iss":"i","sub":"ann"},"header":{"alg":"HS256","kid":"k1","typ":"JWT"}}"#,
    );
    // RFC 7515 A.1 has line breaks in its JSON; this is the same key over compact JSON, computed elsewhere.
    check(
        &format!("jwt::sign(#{{ iss: \"joe\" }}, #{{ secret: base64::decode(\"{A1_KEY}\") }})"),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UifQ.CvbQM_74ZIYgIJHW5Z-qNuAPVhwLrPy1ozVyZcILw0s",
    );
}

#[test]
fn the_algorithm_is_the_scripts_choice() {
    let none = "eyJhbGciOiJub25lIn0";
    for signature in ["", A1_SIGNATURE] {
        let token = format!("{none}.{CLAIMS}.{signature}");
        let error = verified(&token, "algorithms: [\"HS256\"], secret: \"k\"", BEFORE_EXPIRY).unwrap_err();
        assert_eq!(error, "the token's algorithm is not one of those accepted");
    }
    refused("jwt::verify(\"a.b.c\", #{ algorithms: [\"none\"], secret: \"k\" })", "no algorithm \"none\"");
    refused("jwt::sign(#{}, #{ algorithm: \"none\" })", "no algorithm \"none\"");
    refused("jwt::verify(\"a.b.c\", #{ secret: \"k\" })", "the option algorithms is missing");
    refused("jwt::verify(\"a.b.c\", #{ algorithms: [], secret: \"k\" })", "the option algorithms is missing");
    // A public key must never serve as the secret of an HMAC that an attacker made with it.
    let confused = format!(
        "let key = `{ES256_PUBLIC}`; jwt::verify(jwt::sign(#{{}}, #{{ secret: key }}), \
         #{{ algorithms: [\"ES256\", \"HS256\"], key: key }})"
    );
    refused(&confused, "HS256 needs the option secret");
}

#[test]
fn claims_must_be_the_expected_ones() {
    let verify = |claims: &str, options: &str| {
        format!(
            "jwt::verify(jwt::sign({claims}, #{{ secret: \"k\" }}), #{{ algorithms: [\"HS256\"], secret: \"k\", {options} }})"
        )
    };
    for (claims, options) in [
        ("#{}", ""),
        ("#{ iss: \"i\" }", "issuer: \"i\""),
        ("#{ iss: \"i\" }", "issuer: [\"h\", \"i\"]"),
        ("#{ aud: [\"a\", \"b\"] }", "audience: \"b\""),
        ("#{ aud: \"a\" }", "audience: [\"b\", \"a\"]"),
        ("#{ nbf: 1700000000, exp: 1700000001 }", ""),
        ("#{ nbf: 1700000009 }", "leeway: 9"),
        ("#{ exp: 1700000000.5 }", ""),
    ] {
        check(&format!("type_of({})", verify(claims, options)), "map");
    }
    for (claims, options, reason) in [
        ("#{ iss: \"i\" }", "issuer: \"h\"", "another issuer"),
        ("#{}", "issuer: \"h\"", "another issuer"),
        ("#{ iss: 1 }", "issuer: \"1\"", "another issuer"),
        ("#{ aud: [\"a\"] }", "audience: [\"b\"]", "another audience"),
        ("#{ aud: [] }", "audience: [\"b\"]", "another audience"),
        ("#{}", "audience: \"b\"", "another audience"),
        ("#{ exp: 1700000000 }", "", "has expired"),
        ("#{ nbf: 1700000001 }", "", "not valid yet"),
        ("#{ exp: \"soon\" }", "", "claim exp is no number"),
        ("#{ nbf: () }", "", "claim nbf is no number"),
        ("#{}", "kid: \"k1\"", "another key"),
        ("#{}", "leeway: -1", "leeway is 0 to 86400"),
        ("#{}", "isuer: \"i\"", "no option \"isuer\" here"),
    ] {
        refused(&verify(claims, options), reason);
    }
}

#[test]
fn texts_that_are_no_tokens_are_refused() {
    for token in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "e30.W10.", "bnVsbA.e30."] {
        refused(&format!("jwt::decode(\"{token}\")"), "not a token");
        refused(
            &format!("jwt::verify(\"{token}\", #{{ algorithms: [\"HS256\"], secret: \"k\" }})"),
            "not a token",
        );
    }
    // {"alg":"HS256","crit":["exp"]} with padding, and without.
    refused("jwt::decode(\"eyJhbGciOiJIUzI1NiJ9==.e30.\")", "not a token");
    refused(
        "jwt::verify(\"eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiZXhwIl19.e30.AA\", #{ algorithms: [\"HS256\"], secret: \"k\" })",
        "extensions (crit)",
    );
}

#[test]
fn bad_keys_are_refused_without_showing_them() {
    let token = "jwt::sign(#{}, #{ secret: \"k\" })";
    refused(
        &format!("jwt::verify({token}, #{{ algorithms: [\"HS256\"], secret: \"\" }})"),
        "the secret is empty",
    );
    refused("jwt::sign(#{}, #{})", "HS256 needs the option secret");
    refused(
        "jwt::sign(#{}, #{ algorithm: \"RS256\", key: \"s3cret\" })",
        "begins with -----BEGIN PRIVATE KEY-----",
    );
    refused(
        &format!("jwt::sign(#{{}}, #{{ algorithm: \"RS256\", key: `{RSA_PUBLIC}` }})"),
        "BEGIN PRIVATE KEY",
    );
    refused(
        &format!("jwt::sign(#{{}}, #{{ algorithm: \"RS256\", key: `{ES256_PRIVATE}` }})"),
        "no private key",
    );
    refused(
        &format!("jwt::sign(#{{}}, #{{ algorithm: \"ES384\", key: `{ES256_PRIVATE}` }})"),
        "no private key",
    );
    let es256 = format!("jwt::sign(#{{}}, #{{ algorithm: \"ES256\", key: `{ES256_PRIVATE}` }})");
    for key in [RSA_PUBLIC, ED25519_PUBLIC] {
        let options = format!("#{{ algorithms: [\"ES256\"], key: `{key}` }}");
        refused(&format!("jwt::verify({es256}, {options})"), "no public key for ES256");
    }
    for body in [
        "jwt::sign(#{}, #{ algorithm: \"ES256\", key: \"s3cret\" })",
        "jwt::sign(#{}, #{ secret: [\"s3cret\"] })",
    ] {
        let error = failure(&format!("fn on_request(req) {{ {body}; return; }}"));
        assert!(!error.message.contains("s3cret"), "{error}");
    }
}
