package activitypub

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// checkGrammar wants what reading a signature header said to be of this reason, "" for no error.
func checkGrammar(t *testing.T, header string, err error, want SignatureReason) {
	t.Helper()
	var bad *SignatureError
	if errors.As(err, &bad); err == nil && want != "" || err != nil && (bad == nil || bad.Reason != want) {
		t.Errorf("%.200q: %v, want reason %q", header, err, want)
	}
}

// SIG-7: the grammar of a draft-cavage header, to the single character. What is not by it is refused before anything else
// is looked at.
func TestCavageGrammar(t *testing.T) {
	bytesOf := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	const rest = `,headers="date",signature="AAAA"`
	for _, tt := range []struct {
		line string
		want SignatureReason
	}{
		{`keyId="k"` + rest, ""},
		{` keyId="k" ,` + "\t" + `headers="date", signature="AAAA" `, ""},
		{`keyId="k",later="a, b=\"c\\",z=1.5` + rest, ""},
		{`keyId="` + strings.Repeat("k", MaxURLBytes) + `"` + rest, ""},
		{`keyId="k",created=1` + rest, ""},
		{`keyId="k",created=999999999999` + rest, ""},
		{`keyId="k",headers="date",signature="` + bytesOf(maxSignatureBytes) + `"`, ""},

		{`keyId="k" headers="date",signature="AAAA"`, ReasonMalformed},
		{`keyId="k";headers="date",signature="AAAA"`, ReasonMalformed},
		{`keyId="k"x` + rest, ReasonMalformed},
		{`keyId="k",` + rest, ReasonMalformed},
		{`keyId="k"` + rest + `,`, ReasonMalformed},
		{`keyId=k/l` + rest, ReasonMalformed},
		{`key Id="k"` + rest, ReasonMalformed},
		{`="x",keyId="k"` + rest, ReasonMalformed},
		{`keyId="k",x="a"b"` + rest, ReasonMalformed},
		{`keyId="k",x="\`, ReasonMalformed},
		{"keyId=\"k\x01\"" + rest, ReasonMalformed},
		{"keyId=\"k\t\"" + rest, ReasonMalformed},
		{"keyId=\"k\r\nx\"" + rest, ReasonMalformed},
		{"keyId=\"k\\\x00\"" + rest, ReasonMalformed},
		{"keyId=\"k\x7f\"" + rest, ReasonMalformed},
		{`keyId="ké"` + rest, ReasonMalformed},
		{`keyId="` + strings.Repeat("k", MaxURLBytes+1) + `"` + rest, ReasonMalformed},
		{`keyId="k",created=-1` + rest, ReasonMalformed},
		{`keyId="k",created=0000000000001` + rest, ReasonMalformed},
		{`keyId="k",created=1e3` + rest, ReasonMalformed},
		{`keyId="k",expires=-1` + rest, ReasonMalformed},
		{`keyId="k",headers="date",signature="` + bytesOf(maxSignatureBytes+3) + `"`, ReasonMalformed},
		{`keyId="k",headers="date",signature="AAB="`, ReasonMalformed}, // bits that nobody reads
		{`keyId="k",headers="date",signature="AAA"`, ReasonMalformed},
		{`keyId="k",headers="date",signature="AA-_"`, ReasonMalformed},
	} {
		_, err := parseCavage(tt.line)
		checkGrammar(t, tt.line, err, tt.want)
	}
	s, err := parseCavage(`keyId="a\"\\,b",later="keyId=\"x\""` + rest)
	if err != nil || s.KeyID != `a"\,b` {
		t.Errorf("%v, %+v; want quotes and commas inside of the key's id", err, s)
	}
}

// SIG-7: the same for RFC 9421, whose two headers are structured fields (RFC 8941).
func TestMessageSignatureGrammar(t *testing.T) {
	const parts = `"@method" "@target-uri" "content-digest"`
	const good = `sig1=(` + parts + `);created=1;keyid="k"`
	bytesOf := func(n int) string { return "sig1=:" + base64.StdEncoding.EncodeToString(make([]byte, n)) + ":" }
	with := func(param string) string { return good + ";" + param }
	for _, tt := range []struct {
		input, value string // of Signature-Input and Signature; the second may be empty for a good one
		want         SignatureReason
	}{
		{good, "", ""},
		{` sig1=( ` + parts + ` );created=1; keyid="k" `, ` sig1=:AAAA: `, ""},
		{with(`x="\"\\";y=a/b:c;z;v=?1;w=-1.5;u=:AAAA:`), "", ""},
		{`other=("x";sf);x ,` + "\t" + good, "", ""},
		{`a=();x,b=();x,c=();x,` + good, "", ""},
		{strings.Replace(good, `"k"`, `"`+strings.Repeat("k", MaxURLBytes)+`"`, 1), "", ""},
		{good, bytesOf(maxSignatureBytes), ""},
		{with(`expires=999999999999999`), "", ""},

		{`a=();x,b=();x,c=();x,d=();x,` + good, "", ReasonMalformed},
		{good, `a=:AAAA:,b=:AAAA:,c=:AAAA:,d=:AAAA:,sig1=:AAAA:`, ReasonMalformed},
		{`other=();x ` + good, "", ReasonMalformed},
		{good + ",", "", ReasonMalformed},
		{strings.Replace(good, `" "`, `""`, 1), "", ReasonMalformed},
		{strings.Replace(good, `" "`, "\"\t\"", 1), "", ReasonMalformed},
		{strings.Replace(good, `("`, `(host "`, 1), "", ReasonMalformed},
		{strings.Replace(good, `("`, `(1 "`, 1), "", ReasonMalformed},
		{strings.Replace(good, `"@method"`, `"@method" "@method"`, 1), "", ReasonMalformed},
		{strings.Replace(good, `"@method"`, `"a b" "@method"`, 1), "", ReasonUncovered},
		{strings.Replace(good, `"@method"`, `"" "@method"`, 1), "", ReasonUncovered},
		{strings.Replace(good, `"k"`, `"`+strings.Repeat("k", MaxURLBytes+1)+`"`, 1), "", ReasonMalformed},
		{strings.Replace(good, `"k"`, `""`, 1), "", ReasonMalformed},
		{strings.Replace(good, `"k"`, "\"k\x01\"", 1), "", ReasonMalformed},
		{strings.Replace(good, `"k"`, "\"k\x7f\"", 1), "", ReasonMalformed},
		{strings.Replace(good, `"k"`, `"ké"`, 1), "", ReasonMalformed},
		{strings.Replace(good, `"k"`, `"\k"`, 1), "", ReasonMalformed},
		{strings.Replace(good, `created=1`, `created=-1`, 1), "", ReasonMalformed},
		{strings.Replace(good, `created=1`, `created=1.5`, 1), "", ReasonMalformed},
		{strings.Replace(good, `created=1`, `created=00000000000000001`, 1), "", ReasonMalformed},
		{strings.Replace(good, `created=1`, `created`, 1), "", ReasonMalformed},
		{with(`expires=-1`), "", ReasonMalformed},
		{with(`expires="1"`), "", ReasonMalformed},
		{with(`alg=ed25519`), "", ReasonMalformed},
		{with(`alg`), "", ReasonMalformed},
		{with(`x=?2`), "", ReasonMalformed},
		{with(`x=`), "", ReasonMalformed},
		{with(`x;x`), "", ReasonMalformed},
		{with(`X=1`), "", ReasonMalformed},
		{with(``), "", ReasonMalformed},
		{good, bytesOf(maxSignatureBytes + 1), ReasonMalformed},
		{good, `sig1=::`, ReasonMalformed},
		{good, `sig1=:AAB=:`, ReasonMalformed},
		{good, "sig1=:AA\r\nAA:", ReasonMalformed},
		{good, `sig1=:AAAA`, ReasonMalformed},
		{good, `sig1=AAAA`, ReasonMalformed},
		{good, `sig1=:AAAA:;x;x`, ReasonMalformed},
		{good, `sig1=:AAAA: sig2=:AAAA:`, ReasonMalformed},
	} {
		if tt.value == "" {
			tt.value = "sig1=:AAAA:"
		}
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Signature-Input": {tt.input}, "Signature": {tt.value}}}
		_, err := ParseSignature(r)
		checkGrammar(t, tt.input+" | "+tt.value, err, tt.want)
	}
}

// SIG-7: a header that is signed cannot bring a line of its own into what is verified.
func TestSignedHeaderOfTwoLines(t *testing.T) {
	r := &http.Request{Method: http.MethodPost, Header: http.Header{"X-Note": {"a\r\ndigest: SHA-256=AAAA"}}}
	_, err := fieldValue(r, "x-note")
	checkGrammar(t, "X-Note", err, ReasonMalformed)
	r.Header["X-Note"] = []string{" a ", "b\t"}
	if v, err := fieldValue(r, "x-note"); err != nil || v != "a, b" {
		t.Errorf("%q, %v", v, err)
	}
}
