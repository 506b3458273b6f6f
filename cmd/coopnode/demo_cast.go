package main

// A cast is who an invented coop of the demo is.
type cast struct {
	short   string // as the demo calls it
	label   string // before .localhost
	port    int    // if it is free
	where   string
	name    string
	profile string // for coopnode profile edit

	tryTitle, tryAmount string // the opening that a person may publish as this coop
}

// casts are the coops of the village; the last one joins later. All of them are invented.
var casts = []cast{
	{
		short: "Toxeira", label: "toxeira", port: 8801, where: "A Coruña, Galicia",
		name: "Toxeira Enxeñaría Web", tryTitle: "Deseño de mapas", tryAmount: "40 hour",
		profile: `
summary = "Cooperativa de traballo de doce persoas. Facemos motores web e o que vai arredor deles."
summary_language = "gl"
ownership = "workers"
members = 12
workers = 14
one_member_one_vote = true
founded = "2011-05-03"
website = "https://toxeira.example"
skills = ["Web engines", "Accessibility", "Graphics"]
languages = ["gl", "es", "en"]
place = "A Coruña, ES-GA"
latitude = 43.3623
longitude = -8.4115
area_served = ["ES", "PT"]
remote = true
time_zone = "Europe/Madrid"
looks_for = ["partners"]
offers_help = ["mentoring new coops"]
customer_mix = ["cooperatives=25", "nonprofit=20", "public=15", "business=40"]
accepts_customers = ["cooperatives", "nonprofit", "public", "business"]
legal_name = "Toxeira, Sociedade Cooperativa Galega"
legal_form = "Sociedade Cooperativa Galega"
legal_form_short = "S. Coop. Galega"
jurisdiction = "ES-GA"
registry = "Rexistro de Cooperativas"
registration_number = "C-0000"
registry_url = "https://register.example/C-0000"
contact_email = "coop@toxeira.example"
contact_type = "intercooperation"
contact_languages = ["gl", "es", "en"]

[translation.en]
summary = "A worker coop of twelve. We make web engines and what goes around them."
`,
	},
	{
		short: "Ljungsken", label: "ljungsken", port: 8802, where: "Umeå, Sweden",
		name: "Ljungsken Kod", tryTitle: "Två platser på vår server", tryAmount: "2 item",
		profile: `
summary = "Ett arbetskooperativ i Umeå. Vi bygger bokningssystem och driver servrar tillsammans med tre andra kooperativ."
summary_language = "sv"
ownership = "workers"
members = 7
workers = 7
one_member_one_vote = true
founded = "2017-09-21"
website = "https://ljungsken.example"
skills = ["Hosting", "Backend", "Testing"]
languages = ["sv", "en"]
place = "Umeå, SE-AC"
latitude = 63.8258
longitude = 20.263
area_served = ["SE", "NO", "FI"]
remote = true
time_zone = "Europe/Stockholm"
offers_help = ["common funds", "shared servers"]
customer_mix = ["cooperatives=35", "public=40", "business=25"]
accepts_customers = ["cooperatives", "nonprofit", "public"]
legal_name = "Ljungsken Kod ekonomisk förening"
legal_form = "Ekonomisk förening"
legal_form_short = "ek. för."
jurisdiction = "SE"
contact_email = "hej@ljungsken.example"
contact_type = "intercooperation"
contact_languages = ["sv", "en"]

[translation.en]
summary = "A worker coop in Umeå. We build booking systems and run servers together with three other coops."
`,
	},
	{
		short: "Quebracho", label: "quebracho", port: 8803, where: "Rosario, Argentina",
		name: "Quebracho Cooperativa", tryTitle: "Desarrollo de un módulo de sueldos", tryAmount: "120 hour",
		profile: `
summary = "Software para obras sociales, sindicatos y municipios, hecho por diecinueve asociadas y asociados. Una persona, un voto."
summary_language = "es"
ownership = "workers"
members = 19
workers = 21
one_member_one_vote = true
founded = "2012-08-14"
website = "https://quebracho.example"
skills = ["Backend", "Project management", "Payroll"]
languages = ["es", "pt", "en"]
place = "Rosario, AR-S"
latitude = -32.9468
longitude = -60.6393
area_served = ["AR", "UY", "CL"]
remote = true
time_zone = "America/Argentina/Cordoba"
looks_for = ["subcontractors", "partners"]
customer_mix = ["cooperatives=20", "nonprofit=30", "public=35", "business=15"]
accepts_customers = ["cooperatives", "nonprofit", "public"]
legal_name = "Cooperativa de Trabajo Quebracho Limitada"
legal_form = "Cooperativa de Trabajo"
legal_form_short = "Coop. de Trab. Ltda."
jurisdiction = "AR"
contact_email = "coop@quebracho.example"
contact_type = "intercooperation"
contact_languages = ["es", "pt"]

[translation.en]
summary = "Software for health funds, unions and towns, made by nineteen members. One person, one vote."
`,
	},
	{
		short: "Hinata Works", label: "hinata", port: 8804, where: "Sendai, Japan",
		name: "ひなた工房", tryTitle: "画面読み上げの確認", tryAmount: "30 hour",
		profile: `
summary = "仙台の労働者協同組合です。九人の組合員で、読みやすく使いやすいウェブサイトをつくっています。"
summary_language = "ja"
ownership = "workers"
members = 9
workers = 9
one_member_one_vote = true
founded = "2023-04-01"
website = "https://hinata.example"
skills = ["Accessibility", "UX design", "Frontend"]
languages = ["ja", "es", "en"]
place = "Sendai, JP-04"
latitude = 38.2682
longitude = 140.8694
area_served = ["JP"]
remote = true
time_zone = "Asia/Tokyo"
free_hours = 120
looks_for = ["subcontracts"]
offers_help = ["accessibility reviews"]
customer_mix = ["cooperatives=10", "nonprofit=30", "public=40", "business=20"]
accepts_customers = ["cooperatives", "nonprofit", "public", "business"]
legal_name = "労働者協同組合ひなた工房"
legal_form = "労働者協同組合"
jurisdiction = "JP"
contact_email = "hello@hinata.example"
contact_type = "intercooperation"
contact_languages = ["ja", "es", "en"]

[translation.en]
summary = "A worker coop of nine in Sendai. We make websites that are easy to read and to use."
`,
	},
	{
		short: "Mbuyu Data", label: "mbuyu", port: 8805, where: "Mombasa, Kenya",
		name: "Mbuyu Data", tryTitle: "Ramani za maji vijijini", tryAmount: "80 hour",
		profile: `
summary = "Ushirika wa wafanyakazi sita mjini Mombasa. Tunatengeneza ramani na takwimu kwa vyama vya ushirika."
summary_language = "sw"
ownership = "workers"
members = 6
workers = 6
one_member_one_vote = true
founded = "2025-02-10"
website = "https://mbuyu.example"
skills = ["GIS", "Data"]
languages = ["sw", "en"]
place = "Mombasa, KE-28"
latitude = -4.0435
longitude = 39.6682
area_served = ["KE", "TZ", "UG"]
remote = true
time_zone = "Africa/Nairobi"
free_hours = 60
looks_for = ["partners", "mentoring"]
accepts_customers = ["cooperatives", "nonprofit", "public"]
jurisdiction = "KE"
contact_email = "karibu@mbuyu.example"
contact_type = "intercooperation"
contact_languages = ["sw", "en"]

[translation.en]
summary = "A coop of six workers in Mombasa. We make maps and figures for other coops."
`,
	},
}
