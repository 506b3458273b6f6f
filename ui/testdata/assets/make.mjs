// Makes what the pages need from elsewhere, and keeps its licences beside it: the font from Fontsource, the outline of
// the land and the middles of countries from Natural Earth. Run by make assets; the results are committed.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { geoArea, geoCentroid, geoEqualEarth, geoPath } from 'd3-geo'
import { feature } from 'topojson-client'

const npm = name => new URL(`node_modules/${name}`, import.meta.url)
const ui = name => new URL(`../../${name}`, import.meta.url)

for (const subset of ['latin', 'latin-ext'])
  copyFileSync(npm(`@fontsource-variable/figtree/files/figtree-${subset}-wght-normal.woff2`), ui(`font/figtree-${subset}.woff2`))
copyFileSync(npm('@fontsource-variable/figtree/LICENSE'), ui('font/LICENSE'))
copyFileSync(npm('world-atlas/LICENSE'), ui('map/LICENSE'))

const atlas = name => JSON.parse(readFileSync(npm(`world-atlas/${name}.json`)))
const polygons = g => g.type === 'Polygon' ? [g.coordinates] : g.coordinates

// ui/map.go has the same projection. It is turned by 11 degrees, so that the edge of the map cuts no country.
const projection = geoEqualEarth().rotate([-11, 0])
const path = geoPath(projection)
const smallest = 4 // square units of the map; islands smaller than that cannot be seen

// outline writes rings with whole, relative steps: half the bytes of the same in full.
function outline(coordinates) {
  const drawn = path({ type: 'Polygon', coordinates })
  let d = ''
  for (const ring of drawn?.split('M').slice(1) ?? []) {
    const points = ring.replace('Z', '').split('L').map(p => p.split(',').map(Number).map(Math.round))
    let twice = 0
    points.forEach(([x, y], i) => { const [u, v] = points[(i + 1) % points.length]; twice += x * v - u * y })
    if (Math.abs(twice) < 2 * smallest) continue
    let [x, y] = points[0], steps = ''
    for (const [u, v] of points.slice(1)) {
      if (u === x && v === y) continue
      steps += `${steps && u >= x ? ' ' : ''}${u - x}${v >= y ? ' ' : ''}${v - y}`
      ;[x, y] = [u, v]
    }
    d += `M${points[0].join(' ')}l${steps}z`
  }
  return d
}

const land = atlas('land-110m')
const rings = feature(land, land.objects.land).features.flatMap(f => polygons(f.geometry))
  .filter(p => geoCentroid({ type: 'Polygon', coordinates: p })[1] > -60) // without Antarctica
writeFileSync(ui('map/world.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 500"><path id="land" d="${rings.map(outline).join('')}"/></svg>\n`)

// The middle of a country is that of its largest part. The number is that of ISO 3166-1 and UN M.49.
const countries = atlas('countries-50m')
const middles = new Map()
for (const f of feature(countries, countries.objects.countries).features) {
  if (!f.id || f.properties.name === 'Antarctica') continue
  const parts = polygons(f.geometry).map(c => ({ type: 'Polygon', coordinates: c }))
  const main = parts.reduce((a, b) => geoArea(b) > geoArea(a) ? b : a)
  const known = middles.get(f.id)
  if (!known || geoArea(main) > known.area) middles.set(f.id, { area: geoArea(main), at: geoCentroid(main) })
}
writeFileSync(ui('map/middles.csv'), [...middles].sort(([a], [b]) => a - b)
  .map(([id, { at: [lon, lat] }]) => `${Number(id)},${lat.toFixed(1)},${lon.toFixed(1)}\n`).join(''))

// What d3 makes of some places, for the test of the same in Go.
const places = [[0, 0], [11, 0], [-8.54, 42.88], [140.87, 38.27], [-60.64, -32.95], [147.33, -42.88], [-168.9, 65], [-169.1, 65], [178.4, -18.1], [0, 89.9], [11, -60]]
writeFileSync(ui('testdata/equalearth.json'), JSON.stringify(places.map(p => ({ lon: p[0], lat: p[1], x: projection(p)[0], y: projection(p)[1] })), null, 1) + '\n')
