package ui

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// Dates, numbers, plurals, money, lists and names in the six languages, as their readers write them.
func TestWordsInSixLanguages(t *testing.T) {
	deadline := time.Date(2026, 12, 15, 15, 0, 0, 0, time.UTC)
	hours := func(n float64) node.Quantity { return node.Quantity{Number: n, Unit: node.Hours} }
	o := &node.Opening{Closes: deadline, Status: node.Open, BudgetBasis: "hour", Budget: &node.Money{Currency: "EUR", Min: 60, Max: 60}, EmploymentType: "FULL_TIME", MemberTrack: true}
	rows := []string{"a date", "the first of a month", "an hour", "a date as text", "a deadline", "days", "one day", "a number", "a small number", "a fraction",
		"no hours", "one hour", "one and a half", "many hours", "people", "money", "a price", "languages", "before an i", "three", "a country", "countries", "a region", "a period", "employment"}
	want := map[string][]string{
		"en": {"15 December 2026", "1 January 2027", "15 December 2026, 15:00 UTC", "3 May 2011", "open until 15 December 2026", "23 days left", "1 day left", "12,345.5", "1,234", "0.25",
			"0 hours", "1 hour", "1.5 hours", "1,000,000 hours", "1 person", "9,000 to 12,000 EUR", "60 EUR an hour", "Galician, Spanish and Japanese", "Spanish and English", "businesses, cooperatives and public bodies",
			"Japan", "Spain and Argentina", "Spain (ES-GA)", "11 January 2027 to 29 January 2027", "Full time, leads to membership"},
		"es": {"15 de diciembre de 2026", "1 de enero de 2027", "15 de diciembre de 2026, 15:00 UTC", "3 de mayo de 2011", "abierta hasta el 15 de diciembre de 2026", "quedan 23 días", "queda 1 día", "12.345,5", "1234", "0,25",
			"0 horas", "1 hora", "1,5 horas", "1.000.000 horas", "1 persona", "de 9000 a 12.000 EUR", "60 EUR por hora", "gallego, español y japonés", "español e inglés", "empresas, cooperativas y administraciones públicas",
			"Japón", "España y Argentina", "España (ES-GA)", "del 11 de enero de 2027 al 29 de enero de 2027", "Jornada completa, lleva a ser miembro"},
		"gl": {"15 de decembro de 2026", "1 de xaneiro de 2027", "15 de decembro de 2026, 15:00 UTC", "3 de maio de 2011", "aberta ata o 15 de decembro de 2026", "quedan 23 días", "queda 1 día", "12.345,5", "1.234", "0,25",
			"0 horas", "1 hora", "1,5 horas", "1.000.000 horas", "1 persoa", "de 9.000 a 12.000 EUR", "60 EUR por hora", "galego, español e xaponés", "español e inglés", "empresas, cooperativas e administracións públicas",
			"Xapón", "España e Arxentina", "España (ES-GA)", "do 11 de xaneiro de 2027 ao 29 de xaneiro de 2027", "Xornada completa, leva a ser membro"},
		"pt": {"15 de dezembro de 2026", "1 de janeiro de 2027", "15 de dezembro de 2026, 15:00 UTC", "3 de maio de 2011", "aberta até 15 de dezembro de 2026", "faltam 23 dias", "falta 1 dia", "12.345,5", "1.234", "0,25",
			"0 hora", "1 hora", "1,5 hora", "1.000.000 horas", "1 pessoa", "9.000 a 12.000 EUR", "60 EUR por hora", "galego, espanhol e japonês", "espanhol e inglês", "empresas, cooperativas e entidades públicas",
			"Japão", "Espanha e Argentina", "Espanha (ES-GA)", "de 11 de janeiro de 2027 a 29 de janeiro de 2027", "Tempo integral, leva a ser membro"},
		"fr": {"15 décembre 2026", "1er janvier 2027", "15 décembre 2026, 15:00 UTC", "3 mai 2011", "ouverte jusqu’au 15 décembre 2026", "encore 23 jours", "encore 1 jour", "12 345,5", "1 234", "0,25",
			"0 heure", "1 heure", "1,5 heure", "1 000 000 heures", "1 personne", "9 000 à 12 000 EUR", "60 EUR de l’heure", "galicien, espagnol et japonais", "espagnol et anglais", "entreprises, coopératives et organismes publics",
			"Japon", "Espagne et Argentine", "Espagne (ES-GA)", "du 11 janvier 2027 au 29 janvier 2027", "Temps plein, mène à devenir membre"},
		"ja": {"2026年12月15日", "2027年1月1日", "2026年12月15日 15:00 UTC", "2011年5月3日", "2026年12月15日まで受付中", "あと23日", "あと1日", "12,345.5", "1,234", "0.25",
			"0時間", "1時間", "1.5時間", "1,000,000時間", "1人", "9,000～12,000 EUR", "1時間60 EUR", "ガリシア語、スペイン語、日本語", "スペイン語、英語", "企業、協同組合、公共機関",
			"日本", "スペイン、アルゼンチン", "スペイン (ES-GA)", "2027年1月11日から2027年1月29日まで", "フルタイム、組合員への道あり"},
	}
	if len(want) != len(ourTongues) {
		t.Errorf("%d languages, of which %d are looked at", len(ourTongues), len(want))
	}
	for _, tongue := range ourTongues {
		ctx := speaking(t.Context(), tongue)
		got := []string{day(ctx, deadline), day(ctx, time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)), moment(ctx, deadline), dayOf(ctx, "2011-05-03"), standing(ctx, o, deadline.Add(-time.Hour)),
			daysLeft(ctx, deadline.Add(-23*24*time.Hour), deadline), daysLeft(ctx, deadline.Add(-25*time.Hour), deadline), number(ctx, 12345.5), number(ctx, 1234), number(ctx, .25),
			quantity(ctx, hours(0.001)), quantity(ctx, hours(1)), quantity(ctx, hours(1.5)), quantity(ctx, hours(1e6)), quantity(ctx, node.Quantity{Number: 1, Unit: node.People}),
			money(ctx, node.Money{Currency: "EUR", Min: 9000, Max: 12000}), budget(ctx, o), languageNames(ctx, []string{"gl", "es", "ja"}), languageNames(ctx, []string{"es", "en"}), words(ctx, "customer.", []string{"business", "cooperatives", "public"}),
			countryName(ctx, "JP"), countryNames(ctx, []string{"ES", "AR"}), countryName(ctx, "ES-GA"),
			period(ctx, time.Date(2027, 1, 11, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 29, 0, 0, 0, 0, time.UTC)), employment(ctx, o)}
		for i, name := range rows {
			// CLDR separates French thousands by a space that does not break; which one differs between its versions.
			if plain := strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(got[i]); plain != want[tongue.tag.String()][i] {
				t.Errorf("%s, %s: %q, want %q", tongue.tag, name, plain, want[tongue.tag.String()][i])
			}
		}
	}
}

// Spanish says e before the sound i, and y before a diphthong.
func TestSpanishAnd(t *testing.T) {
	ctx := speaking(t.Context(), ourTongues[1])
	for last, want := range map[string]string{"inglés": "A e inglés", "Irlanda": "A e Irlanda", "hilo": "A e hilo", "Íñigo": "A e Íñigo", "hierro": "A y hierro", "hiato": "A y hiato", "euskera": "A y euskera", "h": "A y h", "i": "A e i"} {
		if got := series(ctx, "A", "", last); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, tt := range []struct{ parts, want string }{{"", ""}, {"A", "A"}, {"A,B", "A y B"}, {"A,B,C,D", "A, B, C y D"}} {
		if got := series(ctx, strings.Split(tt.parts, ",")...); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// Choices stand in the order of the language: Á after A and not after Z.
func TestOptionsAreSorted(t *testing.T) {
	facets := []node.SearchFacet{{Value: "ES"}, {Value: "EG"}, {Value: "ET"}, {Value: "EE"}, {Value: "AT"}}
	for tag, want := range map[language.Tag]string{
		language.Spanish: "Austria Egipto España Estonia Etiopía", language.French: "Autriche Égypte Espagne Estonie Éthiopie", language.Make("gl"): "Austria España Estonia Etiopía Exipto",
	} {
		var names []string
		for _, o := range options(speaking(t.Context(), tongueAmong(tag)), facets, "", countryChoice) {
			names = append(names, o.Text)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", tag, got, want)
		}
	}
}

// A text says a number itself where it can ("liked once").
func TestSayCount(t *testing.T) {
	for _, tongue := range append([]*tongue{english}, pseudoTongues()...) {
		ctx := speaking(t.Context(), tongue)
		for key := range english.texts() {
			key, counted := strings.CutSuffix(key, ".other")
			if !counted || !english.has(key+".one") {
				continue
			}
			for _, n := range []float64{0, 1, 1.5, 2, 1e6} {
				more := make([]any, strings.Count(english.texts()[key+".other"], "%")-1)
				for i := range more {
					more[i] = "x"
				}
				if s := sayCount(ctx, key, n, more...); strings.Contains(s, "%!") || s == "" || s == key {
					t.Errorf("%s: %s of %v is %q", tongue.tag, key, n, s)
				}
			}
		}
	}
}
