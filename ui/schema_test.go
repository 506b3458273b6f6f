package ui_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// Search engines are told who the coop is and what is a job; of what is no job nothing is said.
func TestSchema(t *testing.T) {
	s := newSite(t)
	read := func(p string) (said map[string]any) {
		_, body := s.get(p)
		data := between(body, `<script type="application/ld+json">`, "</script>")
		if data == "" {
			return nil
		}
		if err := json.Unmarshal([]byte(data), &said); err != nil {
			t.Fatalf("%s: %v in %s", p, err, data)
		}
		return said
	}
	if coop := read("/"); coop["@type"] != "Organization" || coop["name"] != "Toxeira Enxeñaría Web" || coop["url"] != base+"/" {
		t.Errorf("the coop is %v", coop)
	}
	job := read(path(s.Opening))
	if job["@type"] != "JobPosting" || job["title"] == "" || job["datePosted"] == "" || job["employmentType"] != "FULL_TIME" {
		t.Errorf("the job is %v", job)
	}
	if text, _ := job["description"].(string); !strings.Contains(text, "<p>") {
		t.Errorf("it says %q", text)
	}
	if other := read(path(s.Dated)); other != nil {
		t.Errorf("work for another coop is said to be %v", other)
	}
}
