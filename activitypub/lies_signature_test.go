package activitypub_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/coopnode/coopnode/activitypub/aptest"
)

type change = func(*aptest.Letter)

// unproved are lies about who signed: a Like of ben's, which would count if it were believed.
func (s *scene) unproved(name string, e change) lie {
	return lie{name: name, status: 401, by: s.ben, letter: s.ben.Do("Like", s.post.IRI), edit: e}
}

// params changes the parameters before anything is signed.
func params(old, new string) change {
	return func(l *aptest.Letter) {
		l.Params = func(p string) string { return strings.Replace(p, old, new, 1) }
	}
}

// signs signs another text than the one that belongs to the request.
func signs(old, new string) change {
	return func(l *aptest.Letter) {
		l.Text = func(text string) string { return strings.Replace(text, old, new, 1) }
	}
}

// header changes a header after signing.
func header(name string, change func(string) string) change {
	return func(l *aptest.Letter) {
		l.Change = func(r *http.Request) { r.Header[name] = []string{change(r.Header.Get(name))} }
	}
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func to(value string) func(string) string { return func(string) string { return value } }

func covers(names ...string) change { return func(l *aptest.Letter) { l.Covers = names } }

func all(edits ...change) change {
	return func(l *aptest.Letter) {
		for _, e := range edits {
			e(l)
		}
	}
}

// when puts times of signing among the parameters of the old form, which then are what says when.
func when(created, expires time.Duration) change {
	now := time.Now()
	return all(covers("(request-target)", "host", "(created)", "(expires)", "digest"),
		params(`algorithm="rsa-sha256"`, fmt.Sprintf(`algorithm="hs2019",created=%d,expires=%d`, now.Add(created).Unix(), now.Add(expires).Unix())))
}

var signatureValue = regexp.MustCompile(`signature="[^"]*"`)

// signatureLies are about draft-cavage-12 (SIG-1 to SIG-7).
func (s *scene) signatureLies() []lie {
	old := []string{"(request-target)", "host", "date", "digest"}
	return []lie{
		s.unproved("SIG-1 not signed", aptest.In(aptest.Unsigned)),
		s.unproved("SIG-1 a password instead", all(aptest.In(aptest.Unsigned), func(l *aptest.Letter) { l.Header = m{"Authorization": "Basic YmVuOmJlbg=="} })),
		s.unproved("SIG-1 an empty header", header("Signature", to(""))),
		s.unproved("SIG-7 any text", header("Signature", to("trust me"))),
		s.unproved("SIG-7 no keyId", header("Signature", replace("keyId=", "key="))),
		s.unproved("SIG-7 empty keyId", header("Signature", replace(s.ben.KeyID, ""))),
		s.unproved("SIG-7 no signature in it", header("Signature", func(v string) string { return signatureValue.ReplaceAllString(v, `x="y"`) })),
		s.unproved("SIG-7 empty signature", header("Signature", func(v string) string { return signatureValue.ReplaceAllString(v, `signature=""`) })),
		s.unproved("SIG-7 not base64", header("Signature", replace(`signature="`, `signature="!`))),
		s.unproved("SIG-7 a quote without end", header("Signature", func(v string) string { return strings.TrimSuffix(v, `"`) })),
		s.unproved("SIG-7 no commas", header("Signature", func(v string) string { return strings.ReplaceAll(v, `",`, `" `) })),
		s.unproved("SIG-7 keyId twice", header("Signature", func(v string) string { return fmt.Sprintf(`keyId="%s",`, s.eve.KeyID) + v })),
		s.unproved("SIG-7 keyId twice, once in capitals", header("Signature", func(v string) string { return v + fmt.Sprintf(`,KEYID="%s"`, s.eve.KeyID) })),
		s.unproved("SIG-7 list of headers twice", header("Signature", func(v string) string { return `headers="date",` + v })),
		s.unproved("SIG-7 signature twice", header("Signature", func(v string) string { return v + `,signature="AAAA"` })),
		s.unproved("SIG-7 a second line", func(l *aptest.Letter) {
			l.Change = func(r *http.Request) { r.Header.Add("Signature", `keyId="x",headers="date",signature="AAAA"`) }
		}),
		s.unproved("SIG-7 a letter beyond ASCII in it", header("Signature", replace("rsa-sha256", "rsa-sha256é"))),
		{name: "SIG-7 a control character in it", status: 400, by: s.ben, letter: s.ben.Do("Like", s.post.IRI), edit: func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte { return bytes.Replace(b, []byte("rsa-sha256"), []byte("rsa-\x01sha256"), 1) }
		}},
		s.unproved("SIG-7 a header signed twice", covers("(request-target)", "host", "date", "digest", "host")),
		s.unproved("SIG-7 a header signed that is not there", all(covers(append(old, "x-none")...))),
		s.unproved("a signature of something else", signs("post ", "post  ")),
		s.unproved("somebody else's signature", func(l *aptest.Letter) { l.Key = s.eve.Key }),

		s.unproved("SIG-2 hmac-sha256 over the public key", all(params("rsa-sha256", "hmac-sha256"), hmacOf(aptest.PEM(s.ben.Key)))),
		s.unproved("SIG-2 HMAC said to be hs2019", all(params("rsa-sha256", "hs2019"), hmacOf(aptest.PEM(s.ben.Key)))),
		s.unproved("SIG-2 said to be HMAC and is RSA", params("rsa-sha256", "hmac-sha256")),
		s.unproved("SIG-2 rsa-sha1", all(params("rsa-sha256", "rsa-sha1"), rsaOf(s.ben, crypto.SHA1))),
		s.unproved("SIG-2 SHA-1 said to be SHA-256", rsaOf(s.ben, crypto.SHA1)),
		s.unproved("SIG-2 SHA-1 said to be hs2019", all(params("rsa-sha256", "hs2019"), rsaOf(s.ben, crypto.SHA1))),
		s.unproved("SIG-2 no algorithm at all", params("rsa-sha256", "none")),
		s.unproved("SIG-2 a name that contradicts the key", params("rsa-sha256", "ed25519")),
		s.unproved("SIG-2 RSA-PSS", all(params("rsa-sha256", "hs2019"), func(l *aptest.Letter) {
			l.Seal = func(text string) []byte {
				sum := sha512.Sum512([]byte(text))
				b, _ := rsa.SignPSS(rand.Reader, s.ben.Key, crypto.SHA512, sum[:], nil)
				return b
			}
		})),

		s.unproved("SIG-3 target not signed", covers("host", "date", "digest")),
		s.unproved("SIG-3 host not signed", covers("(request-target)", "date", "digest")),
		s.unproved("SIG-3 date not signed", covers("(request-target)", "host", "digest")),
		s.unproved("SIG-3 digest not signed", covers("(request-target)", "host", "date")),
		s.unproved("SIG-3 only the date signed", covers("date")),
		s.unproved("SIG-3 an empty list of headers", all(covers(), params(`headers="(request-target) host date digest content-type"`, `headers=""`))),
		s.unproved("SIG-3 no list of headers", all(covers("date"), params(`,headers="date"`, ""))),

		s.unproved("SIG-5 signed for another method", signs("post ", "put ")),
		s.unproved("SIG-5 signed for another path", signs("post /ap/", "post /")),
		s.unproved("SIG-5 signed for another host", signs("host: ", "host: x.")),
		s.unproved("SIG-5 a query that was not there", signs("inbox", "inbox?x=1")),
		{name: "SIG-5 signed for the decoded path", status: 404, by: s.ben, letter: s.ben.Do("Like", s.post.IRI), edit: func(l *aptest.Letter) { // which is not where the inbox is
			l.Raw = func(b []byte) []byte { return bytes.Replace(b, []byte("inbox HTTP"), []byte("%69nbox HTTP"), 1) }
		}},
		{name: "SIG-5 sent to another host", status: 421, by: s.ben, letter: s.ben.Do("Like", s.post.IRI), edit: func(l *aptest.Letter) { l.Host = "other.localhost" }},
		{name: "SIG-5 a request line for another host", status: 421, by: s.ben, letter: s.ben.Do("Like", s.post.IRI), edit: func(l *aptest.Letter) {
			l.Raw = func(b []byte) []byte {
				return bytes.Replace(b, []byte("POST /"), []byte("POST http://other.localhost/"), 1)
			}
		}},

		s.unproved("SIG-6 two hours old", aptest.At(time.Now().Add(-2*time.Hour))),
		s.unproved("SIG-6 two hours ahead", aptest.At(time.Now().Add(2*time.Hour))),
		s.unproved("SIG-6 twenty years old", aptest.At(time.Now().AddDate(-20, 0, 0))),
		s.unproved("SIG-6 no Date", all(covers(old...), func(l *aptest.Letter) {
			l.Change = func(r *http.Request) { r.Header.Del("Date") }
		})),
		s.unproved("SIG-6 two Dates", all(covers(old...), func(l *aptest.Letter) {
			l.Change = func(r *http.Request) { r.Header.Add("Date", time.Now().UTC().Format(http.TimeFormat)) }
		})),
		s.unproved("SIG-6 a Date that is none", all(signs("date: ", "date: yesterday, "), header("Date", func(v string) string { return "yesterday, " + v }))),
		s.unproved("SIG-6 (created) two hours ago", when(-2*time.Hour, time.Minute)),
		s.unproved("SIG-6 (created) in two hours", when(2*time.Hour, 3*time.Hour)),
		s.unproved("SIG-6 expired", when(-time.Minute, -time.Second)),
		s.unproved("SIG-6 expired, which is not signed", header("Signature", func(v string) string { return fmt.Sprintf("expires=%d,", time.Now().Unix()-1) + v })),
		s.unproved("SIG-6 (created) signed and not there", all(covers("(request-target)", "host", "(created)", "digest"), params("rsa-sha256", "hs2019"))),
		s.unproved("SIG-6 (created) that is no number", all(covers("(request-target)", "host", "(created)", "digest"), params(`"rsa-sha256"`, `"hs2019",created="soon"`))),
		s.unproved("SIG-6 (created) with rsa-sha256", all(covers("(request-target)", "host", "(created)", "digest"), params(`"rsa-sha256"`, fmt.Sprintf(`"rsa-sha256",created=%d`, time.Now().Unix())))),
		s.unproved("SIG-6 (created) now and Date long ago", all(covers("(request-target)", "host", "date", "(created)", "digest"), aptest.At(time.Now().AddDate(0, -1, 0)),
			params(`"rsa-sha256"`, fmt.Sprintf(`"hs2019",created=%d`, time.Now().Unix())))),
	}
}

// with replaces the edit of a lie.
func (l lie) with(e change) lie {
	l.edit = e
	return l
}

func hmacOf(secret string) change {
	return func(l *aptest.Letter) {
		l.Seal = func(text string) []byte {
			h := hmac.New(sha256.New, []byte(secret))
			h.Write([]byte(text))
			return h.Sum(nil)
		}
	}
}

// rsaOf signs with another hash.
func rsaOf(p *aptest.Person, h crypto.Hash) change {
	return func(l *aptest.Letter) {
		l.Seal = func(text string) []byte {
			sum := h.New()
			sum.Write([]byte(text))
			b, err := rsa.SignPKCS1v15(rand.Reader, p.Key, h, sum.Sum(nil))
			if err != nil {
				panic(err)
			}
			return b
		}
	}
}

// messageSignatureLies are about RFC 9421.
func (s *scene) messageSignatureLies() []lie {
	unproved := func(name string, e change) lie { return s.unproved(name, all(aptest.In(aptest.RFC9421), e)) }
	input := func(change func(string) string) change { return header("Signature-Input", change) }
	now := func(d time.Duration) string { return fmt.Sprintf("created=%d", time.Now().Add(d).Unix()) }
	created := regexp.MustCompile(`;created=\d+`)
	uncreated := func(l *aptest.Letter) { l.Params = func(p string) string { return created.ReplaceAllString(p, "") } }
	more := func(n int) change {
		return func(l *aptest.Letter) {
			l.Change = func(r *http.Request) {
				for i := range n {
					r.Header.Set("Signature-Input", fmt.Sprintf(`a%d=("@method");created=1;keyid="x", %s`, i, r.Header.Get("Signature-Input")))
					r.Header.Set("Signature", fmt.Sprintf(`a%d=:AAAA:, %s`, i, r.Header.Get("Signature")))
				}
			}
		}
	}
	return []lie{
		unproved("SIG-2 hmac-sha256", all(params("rsa-v1_5-sha256", "hmac-sha256"), hmacOf(aptest.PEM(s.ben.Key)))),
		unproved("SIG-2 HMAC without a name", all(params(`;alg="rsa-v1_5-sha256"`, ""), hmacOf(aptest.PEM(s.ben.Key)))),
		unproved("SIG-2 rsa-pss-sha512", params("rsa-v1_5-sha256", "rsa-pss-sha512")),
		unproved("SIG-2 a name that contradicts the key", params("rsa-v1_5-sha256", "ed25519")),
		unproved("SIG-2 SHA-1", rsaOf(s.ben, crypto.SHA1)),
		unproved("SIG-2 SHA-512", all(params(`;alg="rsa-v1_5-sha256"`, ""), rsaOf(s.ben, crypto.SHA512))),
		unproved("SIG-3 nothing signed", func(l *aptest.Letter) { l.Covers = []string{} }),
		unproved("SIG-3 @method not signed", covers("@target-uri", "content-digest")),
		unproved("SIG-3 @target-uri not signed", covers("@method", "content-digest")),
		unproved("SIG-3 the query not signed", covers("@method", "@authority", "@path", "content-digest")),
		unproved("SIG-3 the authority not signed", covers("@method", "@path", "@query", "content-digest")),
		unproved("SIG-3 content-digest not signed", covers("@method", "@target-uri")),
		unproved("SIG-3 no time of creation", uncreated),
		unproved("SIG-5 a query taken away", signs("inbox", "inbox?x=1")),
		unproved("SIG-5 a query added", all(func(l *aptest.Letter) { l.Inbox += "?x=1" }, signs("inbox?x=1", "inbox"))),
		unproved("SIG-5 signed for another method", signs(`"@method": POST`, `"@method": PUT`)),
		unproved("SIG-5 signed for another host", signs("http://", "http://x.")),
		unproved("SIG-5 signed for https", signs("http://", "https://")),
		unproved("SIG-6 two hours old", aptest.At(time.Now().Add(-2*time.Hour))),
		unproved("SIG-6 two hours ahead", aptest.At(time.Now().Add(2*time.Hour))),
		unproved("SIG-6 expired", params(`;alg=`, fmt.Sprintf(`;expires=%d;alg=`, time.Now().Unix()-1))),
		unproved("SIG-6 a fresh Date does not help", all(aptest.At(time.Now().AddDate(-1, 0, 0)), func(l *aptest.Letter) {
			l.Header = m{"Date": time.Now().UTC().Format(http.TimeFormat)}
		})),
		unproved("SIG-6 created twice", params(";created", ";"+now(0)+";created")),
		unproved("SIG-6 created is text", uncreated).with(all(aptest.In(aptest.RFC9421), func(l *aptest.Letter) {
			l.Params = func(p string) string { return created.ReplaceAllString(p, `;created="now"`) }
		})),
		unproved("SIG-7 five labels", more(4)),
		unproved("SIG-7 a label twice", input(func(v string) string { return v + ", " + v })),
		unproved("SIG-7 a component twice", covers("@method", "@method", "@target-uri", "content-digest")),
		unproved("SIG-7 keyid twice", params(";keyid", `;keyid="x";keyid`)),
		unproved("SIG-7 no keyid", params(";keyid=", ";key=")),
		unproved("SIG-7 keyid is a token", params(`;keyid="`+s.ben.KeyID+`"`, ";keyid=ben")),
		unproved("SIG-7 no Signature beside it", func(l *aptest.Letter) { l.Change = func(r *http.Request) { r.Header.Del("Signature") } }),
		unproved("SIG-7 no Signature-Input beside it", func(l *aptest.Letter) { l.Change = func(r *http.Request) { r.Header.Del("Signature-Input") } }),
		unproved("SIG-7 labels that differ", header("Signature", replace("sig1=", "sig2="))),
		unproved("SIG-7 text where bytes belong", header("Signature", func(v string) string { return strings.ReplaceAll(v, ":", `"`) })),
		unproved("SIG-7 not closed", input(replace(")", ""))),
		unproved("SIG-7 a component of the request that is not there", covers("@method", "@target-uri", "content-digest", "x-none")),
		unproved("SIG-7 a component with a parameter", params(`"@method"`, `"@method";req`)),
		unproved("the old form beside a wrong new one", func(l *aptest.Letter) {
			l.Change = func(r *http.Request) {
				r.Header.Set("Signature", fmt.Sprintf(`keyId="%s",headers="date",signature="AAAA"`, s.ben.KeyID))
			}
		}),
	}
}

// digestLies are about the body (SIG-4).
func (s *scene) digestLies() []lie {
	sum := func(b []byte) string { d := sha256.Sum256(b); return base64.StdEncoding.EncodeToString(d[:]) }
	digest := func(value func(body []byte) string) change { // signed as it is
		return func(l *aptest.Letter) {
			v := value(l.Body)
			l.Text = func(text string) string {
				return regexp.MustCompile(`(?m)^digest: .*$`).ReplaceAllLiteralString(text, "digest: "+v)
			}
			l.Change = func(r *http.Request) {
				r.Header.Set("Digest", v)
				if v == "" {
					r.Header.Del("Digest")
				}
			}
		}
	}
	contentDigest := func(value func(body []byte) string) change {
		return all(aptest.In(aptest.RFC9421), func(l *aptest.Letter) {
			v := value(l.Body)
			l.Text = func(text string) string {
				return regexp.MustCompile(`(?m)^"content-digest": .*$`).ReplaceAllLiteralString(text, `"content-digest": `+v)
			}
			l.Change = func(r *http.Request) { r.Header.Set("Content-Digest", v) }
		})
	}
	const other = `{"type":"Delete"}`
	return []lie{
		s.unproved("SIG-4 of another body", func(l *aptest.Letter) { l.Digest = []byte(other) }),
		s.unproved("SIG-4 of no body", func(l *aptest.Letter) { l.Digest = []byte{} }),
		s.unproved("SIG-4 body changed on the way", func(l *aptest.Letter) { l.Sent = bytes.Replace(l.Body, []byte("Like"), []byte("Undo"), 1) }),
		s.unproved("SIG-4 a space more in the body", func(l *aptest.Letter) { l.Sent = append(bytes.Clone(l.Body), ' ') }),
		s.unproved("SIG-4 body taken away", func(l *aptest.Letter) { l.Sent = []byte{} }),
		s.unproved("SIG-4 none", digest(func([]byte) string { return "" })),
		s.unproved("SIG-4 nine digests", digest(func(b []byte) string { return strings.Repeat("MD5=AAAA,", 8) + "SHA-256=" + sum(b) })),
		s.unproved("SIG-4 without a name", digest(func(b []byte) string { return sum(b) })),
		s.unproved("SIG-4 not base64", digest(func(b []byte) string { return "SHA-256=" + strings.ToLower(sum(b)) + "!" })),
		s.unproved("SIG-4 in hexadecimal", digest(func(b []byte) string { return fmt.Sprintf("SHA-256=%x", sha256.Sum256(b)) })),
		s.unproved("SIG-4 MD5 only", digest(func(b []byte) string { d := md5.Sum(b); return "MD5=" + base64.StdEncoding.EncodeToString(d[:]) })),
		s.unproved("SIG-4 SHA-1 only", digest(func(b []byte) string { d := sha1.Sum(b); return "SHA=" + base64.StdEncoding.EncodeToString(d[:]) })),
		s.unproved("SIG-4 half of it", digest(func(b []byte) string { return "SHA-256=" + sum(b)[:20] })),
		s.unproved("SIG-4 two, of which one is wrong", digest(func(b []byte) string { return "SHA-256=" + sum(b) + ",SHA-256=" + sum([]byte(other)) })),
		s.unproved("SIG-4 a right SHA-256 and a wrong SHA-512", digest(func(b []byte) string { return "SHA-256=" + sum(b) + ",SHA-512=" + sum(b) })),
		s.unproved("SIG-4 the wrong one in small letters", digest(func(b []byte) string { return "SHA-256=" + sum(b) + ",sha-256=" + sum([]byte(other)) })),
		s.unproved("SIG-4 a second line that is wrong", func(l *aptest.Letter) {
			l.Change = func(r *http.Request) { r.Header.Add("Digest", "SHA-256="+sum([]byte(other))) }
		}),
		s.unproved("SIG-4 Content-Digest of another body", contentDigest(func([]byte) string { return "sha-256=:" + sum([]byte(other)) + ":" })),
		s.unproved("SIG-4 Content-Digest in the old form", contentDigest(func(b []byte) string { return "SHA-256=" + sum(b) })),
		s.unproved("SIG-4 Content-Digest of an unknown kind", contentDigest(func(b []byte) string { return "md5=:" + sum(b) + ":" })),
		s.unproved("SIG-4 two Content-Digests, of which one is wrong", contentDigest(func(b []byte) string { return "sha-256=:" + sum(b) + ":, sha-512=:" + sum(b) + ":" })),
		s.unproved("SIG-4 new form, body changed on the way", all(aptest.In(aptest.RFC9421), func(l *aptest.Letter) { l.Sent = bytes.Replace(l.Body, []byte("Like"), []byte("Undo"), 1) })),
		s.unproved("SIG-4 new form with the old header", all(aptest.In(aptest.RFC9421), covers("@method", "@target-uri", "digest"), func(l *aptest.Letter) {
			l.Change = func(r *http.Request) { r.Header.Set("Digest", "SHA-256="+sum(l.Body)) }
		})),
	}
}
