package activitypub

import (
	"strings"

	"golang.org/x/text/language"

	"github.com/coopnode/coopnode/node"
)

// words are the fixed parts of sentences in one language.
type words struct {
	tag     language.Tag
	status  map[node.Status]string
	until   string // "OPEN until %s"
	kinds   map[node.OpeningKind]string
	project string
	states  map[node.ProjectStatus]string
	units   map[node.Unit][2]string // one, many
	months  []string
	date    string // day, month, year

	skills, languages, where, amount, budget, dates, remote, upwards, fromTo string
	whole, forCustomer, who, answerHere, orReply, goal, coordination         string
	behalf                                                                   string // "for %s, which has no node"
	whoValues, bases                                                         map[string]string
}

var english = words{
	tag:    language.English,
	status: map[node.Status]string{node.Open: "OPEN", node.Paused: "PAUSED", node.Filled: "FILLED", node.Withdrawn: "WITHDRAWN", node.Expired: "CLOSED: the deadline has passed"},
	until:  "OPEN until %s",
	kinds: map[node.OpeningKind]string{node.Subcontract: "work for another coop", node.Job: "a job", node.Partner: "looking for a partner",
		node.CustomerRequest: "a customer asks", node.Availability: "free hands", node.Resource: "to share"},
	project: "Project",
	states: map[node.ProjectStatus]string{node.Idea: "idea", node.Seeking: "looking for others", node.Active: "active", node.OnHold: "paused",
		node.Completed: "completed", node.Cancelled: "cancelled"},
	units:  map[node.Unit][2]string{node.People: {"person", "people"}, node.Hours: {"hour", "hours"}, node.Days: {"day", "days"}, node.Items: {"item", "items"}},
	months: strings.Fields("January February March April May June July August September October November December"), date: "%d %s %d",
	skills: "Skills", languages: "Languages", where: "Where", amount: "Amount", budget: "Budget", dates: "When", remote: "remote",
	upwards: "from %s up", fromTo: "%s to %s", whole: "all or nothing", forCustomer: "For", who: "Who may answer", answerHere: "Answer here",
	orReply: "or reply to this post", goal: "Goal", coordination: "How we work together", behalf: "For %s, which has no node of its own",
	whoValues: map[string]string{"anyone": "anyone", "coops": "coops", "worker-coops": "worker coops", "members": "members of the federation", "individuals": "people"},
	bases:     map[string]string{"hour": "per hour", "day": "per day", "month": "per month"},
}

var spanish = words{
	tag:    language.Spanish,
	status: map[node.Status]string{node.Open: "ABIERTA", node.Paused: "EN PAUSA", node.Filled: "CUBIERTA", node.Withdrawn: "RETIRADA", node.Expired: "CERRADA: el plazo ha terminado"},
	until:  "ABIERTA hasta el %s",
	kinds: map[node.OpeningKind]string{node.Subcontract: "trabajo para otra cooperativa", node.Job: "un puesto", node.Partner: "buscamos con quién hacerlo",
		node.CustomerRequest: "un cliente pide", node.Availability: "manos libres", node.Resource: "para compartir"},
	project: "Proyecto",
	states: map[node.ProjectStatus]string{node.Idea: "idea", node.Seeking: "busca participantes", node.Active: "en marcha", node.OnHold: "en pausa",
		node.Completed: "terminado", node.Cancelled: "cancelado"},
	units:  map[node.Unit][2]string{node.People: {"persona", "personas"}, node.Hours: {"hora", "horas"}, node.Days: {"día", "días"}, node.Items: {"unidad", "unidades"}},
	months: strings.Fields("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"), date: "%d de %s de %d",
	skills: "Conocimientos", languages: "Idiomas", where: "Dónde", amount: "Cantidad", budget: "Presupuesto", dates: "Cuándo", remote: "a distancia",
	upwards: "desde %s", fromTo: "%s a %s", whole: "todo o nada", forCustomer: "Para", who: "Quién puede responder", answerHere: "Responde aquí",
	orReply: "o contesta a esta publicación", goal: "Objetivo", coordination: "Cómo nos organizamos", behalf: "Para %s, que no tiene nodo propio",
	whoValues: map[string]string{"anyone": "cualquiera", "coops": "cooperativas", "worker-coops": "cooperativas de trabajo", "members": "miembros de la federación", "individuals": "personas"},
	bases:     map[string]string{"hour": "por hora", "day": "por día", "month": "por mes"},
}

var galician = words{
	tag:    language.MustParse("gl"),
	status: map[node.Status]string{node.Open: "ABERTA", node.Paused: "EN PAUSA", node.Filled: "CUBERTA", node.Withdrawn: "RETIRADA", node.Expired: "PECHADA: rematou o prazo"},
	until:  "ABERTA ata o %s",
	kinds: map[node.OpeningKind]string{node.Subcontract: "traballo para outra cooperativa", node.Job: "un posto", node.Partner: "buscamos con quen facelo",
		node.CustomerRequest: "un cliente pide", node.Availability: "mans libres", node.Resource: "para compartir"},
	project: "Proxecto",
	states: map[node.ProjectStatus]string{node.Idea: "idea", node.Seeking: "busca participantes", node.Active: "en marcha", node.OnHold: "en pausa",
		node.Completed: "rematado", node.Cancelled: "cancelado"},
	units:  map[node.Unit][2]string{node.People: {"persoa", "persoas"}, node.Hours: {"hora", "horas"}, node.Days: {"día", "días"}, node.Items: {"unidade", "unidades"}},
	months: strings.Fields("xaneiro febreiro marzo abril maio xuño xullo agosto setembro outubro novembro decembro"), date: "%d de %s de %d",
	skills: "Coñecementos", languages: "Linguas", where: "Onde", amount: "Cantidade", budget: "Orzamento", dates: "Cando", remote: "a distancia",
	upwards: "desde %s", fromTo: "%s a %s", whole: "todo ou nada", forCustomer: "Para", who: "Quen pode responder", answerHere: "Responde aquí",
	orReply: "ou contesta a esta publicación", goal: "Obxectivo", coordination: "Como nos organizamos", behalf: "Para %s, que non ten nodo de seu",
	whoValues: map[string]string{"anyone": "calquera", "coops": "cooperativas", "worker-coops": "cooperativas de traballo", "members": "membros da federación", "individuals": "persoas"},
	bases:     map[string]string{"hour": "por hora", "day": "por día", "month": "por mes"},
}
