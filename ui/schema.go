package ui

import (
	"time"

	"github.com/coopnode/coopnode/node"
)

// schema says what a page is about in the words of schema.org, as JSON-LD for search engines.
type schema map[string]any

// put adds what is known.
func (s schema) put(key, value string) {
	if value != "" {
		s[key] = value
	}
}

// organizationSchema is a coop or federation of this node.
func (v *visit) organizationSchema(p *profileView) schema {
	s := schema{"@context": "https://schema.org", "@type": "Organization", "name": p.Who.Name, "url": v.node.Links.Profile(), "logo": v.node.Links.IconOf(v.coop)}
	s.put("description", plainText(p.Summary.HTML, 300))
	s.put("legalName", plainName(p.Coop.LegalName))
	s.put("foundingDate", plainName(p.Coop.Founded))
	s.put("email", mailTo(p.Actor))
	s.put("sameAs", webAddress(p.Coop.Website))
	if at := addressSchema(p.Coop.Place); at != nil {
		s["address"] = at
	}
	return s
}

func addressSchema(p node.Place) schema {
	if p.Country == "" && p.Locality == "" {
		return nil
	}
	s := schema{"@type": "PostalAddress"}
	s.put("addressLocality", plainName(p.Locality))
	s.put("addressCountry", plainName(p.Country))
	return s
}

// jobSchema is an opening that truly is a job and can be answered now; nil for any other.
func (v *visit) jobSchema(e *entry) schema {
	o := e.opening()
	if o.Kind != node.Job || !o.IsOpen(v.now) || e.Base.Sample {
		return nil
	}
	s := schema{"@context": "https://schema.org", "@type": "JobPosting", "title": plainName(e.Text.Title), "url": e.Base.URL,
		"description": shown(e.Text, e.By.Own), "datePosted": e.Base.Published.UTC().Format(time.DateOnly),
		"hiringOrganization": schema{"@type": "Organization", "name": e.By.Name, "sameAs": v.node.Links.Profile()}}
	if !o.Closes.IsZero() {
		s["validThrough"] = o.Closes.UTC().Format(time.RFC3339)
	}
	s.put("employmentType", plainName(o.EmploymentType))
	if o.Remote {
		s["jobLocationType"] = "TELECOMMUTE"
	}
	if at := addressSchema(o.Place); at != nil {
		s["jobLocation"] = schema{"@type": "Place", "address": at}
	}
	return s
}
