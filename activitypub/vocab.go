package activitypub

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Names that are looked up more than once.
const (
	contextAS       = "https://www.w3.org/ns/activitystreams"
	contextSecurity = "https://w3id.org/security/v1"
	namespaceCoop   = "https://w3id.org/coopnode/ns#"

	typeProposal = "https://w3id.org/valueflows/ont/vf#Proposal" // additionalType of an opening
	typeProject  = "http://schema.org/Project"                   // additionalType of a project
)

// terms are the lines of our @context (vocabulary 3): every document carries those that it uses,
// inline, so that nothing has to be fetched. The names are never changed once sent.
var terms = map[string]any{
	"Hashtag": "as:Hashtag", "sensitive": "as:sensitive", "manuallyApprovesFollowers": "as:manuallyApprovesFollowers",
	"alsoKnownAs": id("as:alsoKnownAs"), "movedTo": id("as:movedTo"),
	"toot": "http://joinmastodon.org/ns#", "featured": id("toot:featured"),
	"discoverable": "toot:discoverable", "indexable": "toot:indexable", "votersCount": "toot:votersCount",
	"attributionDomains": set("toot:attributionDomains"),
	"gts":                "https://gotosocial.org/ns#", "interactionPolicy": id("gts:interactionPolicy"),
	"canQuote": id("gts:canQuote"), "automaticApproval": id("gts:automaticApproval"),
	"assertionMethod": idSet("sec:assertionMethod"), "sec": "https://w3id.org/security#", "Multikey": "sec:Multikey",
	"controller": id("sec:controller"), "publicKeyMultibase": map[string]any{"@id": "sec:publicKeyMultibase", "@type": "sec:multibase"},
	"QuoteRequest": "https://w3id.org/fep/044f#QuoteRequest", "QuoteAuthorization": "https://w3id.org/fep/044f#QuoteAuthorization",
	"interactingObject": id("gts:interactingObject"), "interactionTarget": id("gts:interactionTarget"),
	"webfinger":  "https://purl.archive.org/socialweb/webfinger#webfinger",
	"implements": map[string]any{"@id": "https://w3id.org/fep/844e/implements", "@type": "@id", "@container": "@set"},

	// What everybody copies is the wrong address of schema.org: profile fields keep it (FEP-fb2a).
	"schema": "http://schema.org#", "PropertyValue": "schema:PropertyValue", "value": "schema:value",

	"sdo":            "http://schema.org/",
	"additionalType": id("sdo:additionalType"), "legalName": "sdo:legalName", "foundingDate": "sdo:foundingDate",
	"knowsLanguage": set("sdo:knowsLanguage"), "knowsAbout": set("sdo:knowsAbout"), "skills": set("sdo:skills"),
	"areaServed": set("sdo:areaServed"), "memberOf": idSet("sdo:memberOf"), "sameAs": id("sdo:sameAs"),
	"contactPoint": set("sdo:contactPoint"), "ContactPoint": "sdo:ContactPoint", "contactType": "sdo:contactType",
	"email": "sdo:email", "telephone": "sdo:telephone", "availableLanguage": set("sdo:availableLanguage"),
	"address": "sdo:address", "PostalAddress": "sdo:PostalAddress", "addressLocality": "sdo:addressLocality",
	"addressRegion": "sdo:addressRegion", "addressCountry": "sdo:addressCountry",
	"DefinedTerm": "sdo:DefinedTerm", "termCode": "sdo:termCode",
	"MonetaryAmount": "sdo:MonetaryAmount", "currency": "sdo:currency", "minValue": "sdo:minValue", "maxValue": "sdo:maxValue",
	"jobLocationType": "sdo:jobLocationType", "employmentType": "sdo:employmentType",

	"vf": "https://w3id.org/valueflows/ont/vf#", "om2": "http://www.ontology-of-units-of-measure.org/resource/om-2/",
	"Intent": "vf:Intent", "purpose": "vf:purpose", "publishes": "vf:publishes", "reciprocal": "vf:reciprocal",
	"unitBased": "vf:unitBased", "action": "vf:action", "provider": id("vf:provider"), "receiver": id("vf:receiver"),
	"resourceConformsTo": id("vf:resourceConformsTo"), "resourceQuantity": "vf:resourceQuantity",
	"availableQuantity": "vf:availableQuantity", "minimumQuantity": "vf:minimumQuantity",
	"hasBeginning": "vf:hasBeginning", "hasEnd": "vf:hasEnd",
	"hasUnit": "om2:hasUnit", "hasNumericalValue": "om2:hasNumericalValue",

	"coop":          namespaceCoop,
	"coop:openings": id("coop:openings"), "coop:projects": id("coop:projects"), "coop:project": id("coop:project"), "coop:shared": id("coop:shared"),
	"coop:seeking": idSet("coop:seeking"), "coop:onBehalfOf": id("coop:onBehalfOf"),
	"coop:filledBy": nested("coop:filledBy", true), "coop:outcomes": nested("coop:outcomes", true),
	"coop:legalForm": nested("coop:legalForm", false), "coop:customerMix": nested("coop:customerMix", false),
	"coop:availability": nested("coop:availability", false), "coop:membersAbroad": nested("coop:membersAbroad", false),
	"coop:answer": nested("coop:answer", false), "coop:customer": nested("coop:customer", false),
	"coop:goal": nested("coop:goal", false), "coop:coordination": nested("coop:coordination", false),
	"coop:memberships": id("coop:memberships"), "coop:members": id("coop:members"), "coop:applications": id("coop:applications"),
	"coop:registryUrl": id("coop:registryUrl"),
	"coop:admittedBy":  idSet("coop:admittedBy"), "coop:vouches": set("coop:vouches"),
	"coop:admission": admissionTerm, "coop:resharing": nested("coop:resharing", false),
}

func id(name string) any  { return map[string]any{"@id": name, "@type": "@id"} }
func set(name string) any { return map[string]any{"@id": name, "@container": "@set"} }
func idSet(name string) any {
	return map[string]any{"@id": name, "@type": "@id", "@container": "@set"}
}

// nested is a term whose small inner object uses names of our own without a prefix: without a
// vocabulary they would fall into ActivityStreams' blank names and be lost (vocabulary 3).
func nested(name string, list bool) any {
	t := map[string]any{"@id": name, "@context": map[string]any{"@vocab": namespaceCoop}}
	if list {
		t["@container"] = "@set"
	}
	return t
}

// admissionTerm has criteria in several languages besides.
var admissionTerm = map[string]any{"@id": "coop:admission", "@context": map[string]any{
	"@vocab": namespaceCoop, "criteriaMap": map[string]any{"@id": namespaceCoop + "criteria", "@container": "@language"}}}

// lists are the properties that stay arrays with one entry: other servers read nothing from them
// otherwise, and streams makes one entry a bare value (interop.md 1.3, 6.2).
var lists = map[string]bool{
	"to": true, "cc": true, "tag": true, "attachment": true, "orderedItems": true, "items": true, "skills": true,
	"knowsAbout": true, "knowsLanguage": true, "areaServed": true, "memberOf": true, "contactPoint": true,
	"availableLanguage": true, "attributionDomains": true, "coop:filledBy": true, "coop:outcomes": true, "coop:seeking": true,
	"coop:vouches": true, "coop:admittedBy": true, "implements": true, "automaticApproval": true, "alsoKnownAs": true, "assertionMethod": true,
}

// finish makes the bytes of a document that streams has written: our @context in place of the one
// that streams knows, and arrays that stay arrays. Keys come in the order of the alphabet, so that the
// same document always has the same bytes.
func finish(doc map[string]any) ([]byte, error) {
	used := map[string]bool{}
	walk(doc, used)
	doc["@context"] = contextOf(used)
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return b, nil
}

// walk restores arrays below v and notes every name for which the context may need a line.
func walk(v any, used map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "@context")
		for key, value := range v {
			used[key] = true
			if _, isList := value.([]any); lists[key] && !isList && value != nil {
				value = toList(value)
				v[key] = value
			}
			if key == "type" {
				for _, t := range List(value) {
					if s, ok := t.(string); ok {
						used[s] = true
					}
				}
			}
			walk(value, used)
		}
	case []any:
		for _, e := range v {
			walk(e, used)
		}
	}
}

func toList(v any) []any {
	if s, ok := v.([]string); ok {
		out := make([]any, len(s))
		for i := range s {
			out[i] = s[i]
		}
		return out
	}
	return []any{v}
}

// contextOf is the @context for a document that uses these names: ActivityStreams first, for
// some readers look only at the first entry.
func contextOf(used map[string]bool) any {
	own := map[string]any{}
	var take func(name string)
	take = func(name string) {
		if _, done := own[name]; done || name == "as" {
			return
		}
		def, known := terms[name]
		if known {
			own[name] = def
			expansion, _ := def.(string)
			if m, ok := def.(map[string]any); ok {
				expansion, _ = m["@id"].(string)
			}
			name = expansion
		}
		if prefix, _, ok := strings.Cut(name, ":"); ok && !strings.Contains(name, "://") {
			take(prefix)
		}
	}
	for name := range used {
		take(name)
	}
	context := []any{contextAS}
	if used["publicKey"] {
		context = append(context, contextSecurity)
	}
	if len(own) > 0 {
		context = append(context, own)
	}
	if len(context) == 1 {
		return contextAS
	}
	return context
}

// Context is the whole vocabulary as one document: served at /ns/coop/v1.jsonld for people who
// look it up; nobody has to fetch it.
func Context() ([]byte, error) {
	used := map[string]bool{"publicKey": true}
	for name := range terms {
		used[name] = true
	}
	return json.MarshalIndent(map[string]any{"@context": contextOf(used)}, "", "  ")
}
