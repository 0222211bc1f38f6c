// This layout is made by hand. An algorithm would use twice the space for the three states that await a SUBACK, and would
// place `offline`, which has no incoming edges, far away from the others.
export const size = { width: 1186, height: 524 }

export const anywhere = [16, 446]

export const nodes = {
  'subscriptions.offline': [16, 16, 106, 34],
  'subscriptions.restoring': [140, 16, 254, 132],
  'subscriptions.restoring.awaiting': [156, 76, 222, 56],
  'choice 1': [590, 71, 44, 22],
  'subscriptions.settled': [860, 65, 96, 34],
  'subscriptions.syncing': [400, 200, 254, 132],
  'subscriptions.syncing.awaiting': [416, 260, 222, 56],
  'subscriptions.unanswered': [160, 240, 150, 34],
  'subscriptions.resyncing': [300, 392, 120, 34],
  'subscriptions.deaf': [106, 392, 96, 34],
  'subscriptions.refused': [800, 150, 340, 318],
  'subscriptions.refused.waiting': [820, 216, 110, 34],
  'subscriptions.refused.syncing': [820, 320, 254, 132],
  'subscriptions.refused.syncing.awaiting': [836, 380, 222, 56],
}

/** The points of each edge, and the upper left corner of its label. */
export const edges = {
  'subscriptions.restoring→subscriptions.restoring.awaiting': [
    [
      [290, 16],
      [290, 76],
    ],
    [292, 40],
  ],
  'subscriptions.restoring→choice 1': [
    [
      [394, 82],
      [590, 82],
    ],
    [430, 62],
  ],
  'choice 1→subscriptions.refused': [
    [
      [612, 71],
      [612, 30],
      [985, 30],
      [985, 150],
    ],
    [622, 34],
  ],
  'choice 1→subscriptions.settled': [
    [
      [634, 82],
      [860, 82],
    ],
    [680, 62],
  ],
  'subscriptions.restoring→subscriptions.unanswered': [
    [
      [190, 148],
      [190, 240],
    ],
    [192, 186],
  ],
  'subscriptions.restoring.awaiting→subscriptions.unanswered': [
    [
      [280, 132],
      [280, 240],
    ],
    [282, 164],
  ],
  'subscriptions.unanswered→subscriptions.deaf': [
    [
      [180, 274],
      [180, 392],
    ],
    [182, 320],
  ],
  'subscriptions.unanswered→subscriptions.restoring': [
    [
      [160, 257],
      [122, 257],
      [122, 110],
      [140, 110],
    ],
    [20, 176],
  ],
  'subscriptions.settled→subscriptions.syncing': [
    [
      [880, 99],
      [880, 128],
      [690, 128],
      [690, 236],
      [654, 236],
    ],
    [720, 108],
  ],
  'subscriptions.syncing→subscriptions.syncing.awaiting': [
    [
      [545, 200],
      [545, 260],
    ],
    [547, 226],
  ],
  'subscriptions.syncing→choice 1': [
    [
      [612, 200],
      [612, 93],
    ],
    [514, 140],
  ],
  'subscriptions.syncing→subscriptions.resyncing': [
    [
      [510, 332],
      [510, 402],
      [420, 402],
    ],
    [420, 382],
  ],
  'subscriptions.syncing.awaiting→subscriptions.resyncing': [
    [
      [530, 316],
      [530, 418],
      [420, 418],
    ],
    [532, 356],
  ],
  'subscriptions.resyncing→subscriptions.deaf': [
    [
      [300, 409],
      [202, 409],
    ],
    [199, 388],
  ],
  'subscriptions.resyncing→subscriptions.syncing': [
    [
      [350, 392],
      [350, 290],
      [400, 290],
    ],
    [352, 340],
  ],
  'subscriptions.refused→subscriptions.syncing': [
    [
      [800, 300],
      [654, 300],
    ],
    [650, 280],
  ],
  'subscriptions.refused.waiting→subscriptions.refused.syncing': [
    [
      [860, 250],
      [860, 320],
    ],
    [862, 278],
  ],
  'subscriptions.refused.syncing→subscriptions.refused.syncing.awaiting': [
    [
      [965, 320],
      [965, 380],
    ],
    [967, 346],
  ],
  'subscriptions.refused.syncing→subscriptions.refused.waiting': [
    [
      [1050, 320],
      [1050, 236],
      [930, 236],
    ],
    [934, 216],
  ],
  'subscriptions.refused.syncing→subscriptions.settled': [
    [
      [1074, 400],
      [1164, 400],
      [1164, 82],
      [956, 82],
    ],
    [1010, 62],
  ],
  'subscriptions.refused.syncing→subscriptions.resyncing': [
    [
      [820, 440],
      [385, 440],
      [385, 426],
    ],
    [560, 420],
  ],
  'subscriptions.refused.syncing.awaiting→subscriptions.resyncing': [
    [
      [880, 436],
      [880, 492],
      [345, 492],
      [345, 426],
    ],
    [560, 472],
  ],
}
