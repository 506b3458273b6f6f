package store

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"
)

// fold writes a text as words that the index compares letter by letter, one space between two. Case, accents and width do
// not count: São and SAO are sao, ёлка is елка. Of scripts that put no spaces between words each character is a word, so
// that what is looked for is found wherever it stands (facts/performance.md 7).
func fold(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	var last rune // written last
	letters := 0  // of the word that is being written
	space := func() {
		if last != 0 && last != ' ' {
			out.WriteByte(' ')
			last = ' '
		}
		letters = 0
	}
	write := func(r rune) {
		if letters < longestWord {
			out.WriteRune(r)
			last = r
		}
		letters++
	}
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, " ")) {
		switch {
		case accent(r) || unicode.Is(unicode.Cf, r) || r == tatweel:
		case unicode.IsMark(r):
			if letters > 0 { // part of the character before it
				write(r)
			}
		case !unicode.IsLetter(r) && !unicode.IsNumber(r):
			space()
		case spaceless(r):
			space()
			write(r)
		default:
			if spaceless(last) || unicode.IsMark(last) && spacelessMark(last) {
				space()
			}
			r = unicode.ToLower(r)
			if letters, ok := alike[r]; ok {
				for _, r := range letters {
					write(r)
				}
			} else {
				write(r)
			}
		}
	}
	// Syllables of Hangul, and kana with their marks, are put together again.
	return norm.NFC.String(strings.TrimSuffix(out.String(), " "))
}

// longestWord is how many letters of a word count; longer ones are no words.
const longestWord = 64

const tatweel = 'ـ' // draws Arabic words out

// alike are letters that people write in place of others and that Unicode does not take apart.
var alike = map[rune]string{
	'ß': "ss", 'đ': "d", 'ð': "d", 'ı': "i", 'ø': "o", 'ł': "l", 'ħ': "h", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ς': "σ",
}

// accent says whether a mark can be left out. Vowels and tones of Indian and other scripts cannot, nor can the marks that
// make another sound of a kana.
func accent(r rune) bool {
	return unicode.Is(unicode.Mn, r) && unicode.In(r, unicode.Inherited, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic) &&
		r != '\u3099' && r != '\u309a'
}

var spacelessScripts = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

const longVowel = 'ー' // of kana, common to both

func spaceless(r rune) bool {
	return r >= 0x0e00 && (unicode.In(r, spacelessScripts...) || r == longVowel)
}

// spacelessMark says whether a mark ends a character of such a script.
func spacelessMark(r rune) bool { return spaceless(r) || r == '\u3099' || r == '\u309a' }

// within are the elements that stand inside a word; all others part words.
var within = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "bdo": true, "cite": true, "code": true, "del": true, "em": true, "i": true, "ins": true,
	"mark": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "u": true,
}

// textOf is HTML without its marks.
func textOf(markup string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken: // the end
			return out.String()
		case html.TextToken:
			out.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); !within[string(name)] {
				out.WriteByte(' ')
			}
		}
	}
}
