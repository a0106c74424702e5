/** Documents for the stand-in index: several languages, kinds and lengths, as a reader of trade history might keep them. */
export interface MockDocument {
  readonly name: string;
  readonly path?: string;
  readonly mediaType: string;
  readonly language: string;
  readonly text: string;
  readonly daysAgo: number;
}

const baltic = `# Baltic trade, 1350 to 1650

A short history of the ports between the Sound and the Gulf of Finland, and of the people who lived by them.

## The silting of the river

When the river silted up, the merchants moved their warehouses to the coast, and the old harbour stood empty. Nobody decreed it. A shallow channel meant smaller ships, smaller ships meant higher freight, and a trader who paid more for freight than his neighbour did not stay a trader for long.

The town dredged twice, in 1481 and again in 1502. Both times the sand was back within three winters.

## Those who stayed

Not every house closed. The brewers stayed because their water was good, and the notaries stayed because the courts did. By 1530 the quay had become a street, and children played where the cogs had been moored.

- Brewers, 41 houses in 1540
- Notaries and clerks, 18 houses
- Ropemakers, 3 houses, all on the coast road

> We have a harbour in our seal and none in our town.
> — Petition of the council, 1533

## Dues and tolls

The council lowered its dues to keep the foreign merchants, from four pence in the pound to three, and then to two. It did not help: a toll can be forgiven, a sandbank cannot.

Port | Dues in 1480 | Dues in 1530
Old harbour | 4 pence | 2 pence
Coast | 3 pence | 3 pence
Island | none | 1 penny

## The new quay

On the coast the guild built in stone. The first crane stood by 1511, and within a generation two hundred ships a year unloaded there, most of them with grain from the east and salt from the Bay.`;

const middle = [
  'The harbour book records every ship by master, home port and cargo, but it does not record the ones that passed by; their absence has to be read from the toll at the Sound.',
  'Rye from the east paid for salt from the west, and both paid for the wine that neither region grew. A merchant who dealt in only one of the three was at the mercy of the weather.',
  'Letters took eleven days in summer and could take seven weeks when the ice came early, so prices in the two towns drifted apart every winter and met again in spring.',
  'The pilots’ guild kept its soundings secret until 1567, when the council bought them and had them printed. The printed chart is the first to show the bar across the river’s mouth.',
  'Widows carried on a fifth of the trading houses, usually under the dead husband’s mark, which makes them hard to count and easy to overlook.',
  'Herring moved away from the coast in the 1420s and again in the 1550s. No one at the time knew why, and the chroniclers blamed sin, noise and the bells of the new church in equal measure.',
  'Timber was floated down in rafts, and the rafts were sold with their cargo at the end. The men walked home, which took nine days, and were paid for four.',
  'After the fire the warehouses were rebuilt in brick by order of the council, at a cost that three of the owners did not survive as merchants.',
];

const longBook = [
  '# Harbours of the northern seas: a documentary history in four parts',
  ...Array.from({ length: 60 }, (_, chapter) =>
    [
      `## ${chapter + 1}. ${['Ships and freight', 'The winter trade', 'Pilots and charts', 'Houses and heirs', 'Salt, rye and wine'][chapter % 5] ?? ''}`,
      ...middle.map((paragraph, at) =>
        at === chapter % 8 ? `${paragraph} That was so in ${1400 + chapter * 3} as well.` : paragraph,
      ),
      chapter === 23
        ? 'In that year the last foreign traders gave up their rooms at the old port. They left for the coast, some for good, and the innkeepers followed within the twelvemonth because an inn without merchants is only a house.'
        : 'The accounts for the year are complete but for the month of March.',
    ].join('\n\n'),
  ),
].join('\n\n');

export const mockDocuments: readonly MockDocument[] = [
  {
    name: 'Baltic trade.md',
    path: 'Reading/History',
    mediaType: 'text/markdown',
    language: 'en',
    text: baltic,
    daysAgo: 0,
  },
  {
    name: 'Die Verlandung der Häfen an Weichsel und Memel im späten Mittelalter – Vortragsmanuskript, dritte Fassung.txt',
    mediaType: 'text/plain',
    language: 'de',
    daysAgo: 3,
    text: 'Als der Fluss verlandete, verlegten die Kaufleute ihre Speicher an die Küste, und der alte Hafen stand leer. Weil die Schiffe größer wurden und das Fahrwasser flacher, lohnte sich die Fahrt in die Stadt nicht mehr.\n\nDie Händler zogen nicht auf einmal fort. Erst verschwanden die Engländer, dann die Flamen; die Brauer blieben.\n\nFür die Ausbaggerung bewilligte der Rat 1481 vierhundert Mark, das Dreifache der jährlichen Zölle.',
  },
  {
    name: 'تاريخ الموانئ القديمة.html',
    mediaType: 'text/html',
    language: 'ar',
    daysAgo: 9,
    text: '# تاريخ الموانئ القديمة\n\nعندما امتلأ النهر بالطمي، انتقل التجار بمخازنهم إلى الساحل، وبقي الميناء القديم فارغًا.\n\nخفّض المجلس الضرائب ليُبقي التجار الغرباء، لكن السفن الكبيرة لم تعد تستطيع الوصول إلى الرصيف.\n\nأما الصيادون فظلّوا في المدينة لأن البحر كان قريبًا.',
  },
  {
    name: '港町の歴史.md',
    path: '資料/地方史',
    mediaType: 'text/markdown',
    language: 'ja',
    daysAgo: 20,
    text: '# 港町の歴史\n\n川に土砂がたまって浅くなると、商人たちは倉を海岸へ移し、古い港は空になった。\n\n税を下げても、大きな船は戻らなかった。町に残ったのは、よい水を必要とする酒造りと、役所に仕える書き手だけである。\n\n## 新しい波止場\n\n海岸では石造りの波止場が築かれ、一年に二百隻の船が荷を下ろしたという。',
  },
  {
    name: 'Harbours of the northern seas.md',
    path: 'Reading/History/Long reads and source editions',
    mediaType: 'text/markdown',
    language: 'en',
    text: longBook,
    daysAgo: 41,
  },
  {
    name: 'harbour-dues-1480-1530.csv',
    path: 'Reading/History/Tables',
    mediaType: 'text/csv',
    language: '',
    daysAgo: 41,
    text: 'Year | Port | Ships | Dues in pence | Note\n1480 | Old harbour | 212 | 4 | before the dredging\n1490 | Old harbour | 178 | 4 | sand at the bar\n1502 | Old harbour | 96 | 3 | second dredging\n1511 | Coast | 64 | 3 | crane built\n1530 | Old harbour | 11 | 2 | merchants gone\n1530 | Coast | 204 | 3 | stone quay complete',
  },
  {
    name: 'river_model.py',
    path: 'Work',
    mediaType: 'text/x-python',
    language: '',
    daysAgo: 64,
    text: '```\ndef silting(depth, sediment, years):\n    """Depth of a river channel after so many years without dredging."""\n    for _ in range(years):\n        depth -= sediment * (1 - depth / MOUTH_DEPTH)\n    return max(depth, 0)\n```',
  },
  {
    name: 'Bread, properly.md',
    path: 'Kitchen',
    mediaType: 'text/markdown',
    language: 'en',
    daysAgo: 80,
    text: '# Bread, properly\n\nFold the dough four times in the first two hours, then leave it alone. Cold slows everything, which is the point: flavour comes from time.\n\n- 900 g strong flour\n- 680 g water\n- 18 g salt\n\nIf the loaf spreads in the oven, the dough was too warm when it was shaped.',
  },
  {
    name: 'Lease Müllerstraße 12, signed copy (2).txt',
    path: 'Papers',
    mediaType: 'text/plain',
    language: 'en',
    daysAgo: 200,
    text: 'The tenant may leave the flat at the end of any month with three months’ written notice. The landlord returns the deposit within six weeks unless there is damage.\n\nRent is due on the third working day. The price of heating is settled once a year against the meter.',
  },
  {
    name: 'Reading group, March.md',
    mediaType: 'text/markdown',
    language: 'en',
    daysAgo: 240,
    text: '# Reading group, March\n\nMarta asked why the guild did not simply follow the ships. Jonas thinks the answer is the courts: a merchant could move his goods in a season, but not his lawsuits.\n\nNext time: the chapter on tolls.',
  },
];
