// The layout of the connection machine is made by hand, because people read it during an outage. Failures lead down to the
// wide box `decide`, and its results are below it; no algorithm finds this arrangement. If a state or an edge is missing
// here, `layout-charts.mjs` says so and lets ELK lay out the whole chart.
export const size = { width: 1538, height: 656 }

export const anywhere = [16, 522]

export const nodes = {
  'connection.idle': [16, 233, 110, 34],
  'choice 1': [222, 239, 44, 22],
  connecting: [426, 222, 190, 56],
  'connection.connected': [886, 190, 620, 228],
  'connection.connected.restoring': [906, 254, 172, 34],
  ready: [906, 324, 172, 56],
  reauthenticating: [1250, 324, 190, 56],
  'choice 2': [400, 446, 1040, 22],
  reconnecting: [312, 540, 280, 56],
  recovering: [602, 540, 250, 56],
  failed: [1010, 540, 170, 56],
  refreshingToken: [370, 16, 520, 128],
  'connection.refreshingToken.online': [384, 84, 172, 34],
  'connection.refreshingToken.offline': [786, 84, 96, 34],
  'connection.disconnecting': [16, 440, 190, 56],
  'connection.disconnected': [16, 330, 150, 34],
}

/** The points of each edge, and the upper left corner of its label. */
export const edges = {
  'connection.idle→choice 1': [
    [
      [126, 250],
      [222, 250],
    ],
    [150, 229],
  ],
  'connection.disconnected→choice 1': [
    [
      [166, 347],
      [232, 347],
      [232, 261],
    ],
    [172, 329],
  ],
  'choice 1→refreshingToken': [
    [
      [232, 239],
      [232, 60],
      [370, 60],
    ],
    [86, 110],
  ],
  'choice 1→connecting': [
    [
      [266, 250],
      [426, 250],
    ],
    [296, 231],
  ],
  'connecting→connecting': [
    [
      [586, 222],
      [586, 205],
      [610, 205],
      [610, 222],
    ],
    [578, 182],
  ],
  'connecting→refreshingToken': [
    [
      [572, 222],
      [572, 144],
    ],
    [572, 158],
  ],
  'connecting→connection.connected': [
    [
      [616, 230],
      [886, 230],
    ],
    [616, 206],
  ],
  'connecting→choice 2': [
    [
      [440, 278],
      [440, 446],
    ],
    [440, 320],
  ],
  'connection.connected→choice 2': [
    [
      [1000, 418],
      [1000, 446],
    ],
    [1004, 424],
  ],
  'choice 2→connecting': [
    [
      [590, 446],
      [590, 278],
    ],
    [590, 400],
  ],
  'choice 2→refreshingToken': [
    [
      [866, 446],
      [866, 144],
    ],
    [722, 400],
  ],
  'choice 2→reconnecting': [
    [
      [460, 468],
      [460, 540],
    ],
    [464, 494],
  ],
  'choice 2→recovering': [
    [
      [730, 468],
      [730, 540],
    ],
    [734, 494],
  ],
  'choice 2→failed': [
    [
      [1060, 468],
      [1060, 540],
    ],
    [1064, 480],
  ],
  'connection.connected.restoring→ready': [
    [
      [920, 288],
      [920, 324],
    ],
    [924, 297],
  ],
  'ready→refreshingToken': [
    [
      [1078, 334],
      [1092, 334],
      [1092, 110],
      [890, 110],
    ],
    [1110, 114],
  ],
  'ready→connecting': [
    [
      [906, 352],
      [636, 352],
      [636, 262],
      [616, 262],
    ],
    [590, 354],
  ],
  'ready→ready': [
    [
      [936, 380],
      [936, 397],
      [996, 397],
      [996, 380],
    ],
    [998, 388],
  ],
  'reauthenticating→ready': [
    [
      [1250, 362],
      [1078, 362],
    ],
    [1080, 366],
  ],
  'reauthenticating→connecting': [
    [
      [1385, 324],
      [1385, 244],
      [616, 244],
    ],
    [1110, 250],
  ],
  'reauthenticating→choice 2': [
    [
      [1400, 380],
      [1400, 446],
    ],
    [1236, 424],
  ],
  'reconnecting→choice 1': [
    [
      [312, 568],
      [256, 568],
      [256, 261],
    ],
    [260, 500],
  ],
  'failed→recovering': [
    [
      [1010, 560],
      [852, 560],
    ],
    [846, 536],
  ],
  'recovering→refreshingToken': [
    [
      [780, 596],
      [780, 640],
      [1522, 640],
      [1522, 36],
      [890, 36],
    ],
    [790, 620],
  ],
  'recovering→choice 1': [
    [
      [700, 596],
      [700, 626],
      [244, 626],
      [244, 261],
    ],
    [400, 606],
  ],
  'refreshingToken→ready': [
    [
      [890, 74],
      [1106, 74],
      [1106, 346],
      [1078, 346],
    ],
    [900, 76],
  ],
  'refreshingToken→reauthenticating': [
    [
      [890, 54],
      [1410, 54],
      [1410, 324],
    ],
    [900, 56],
  ],
  'refreshingToken→choice 2': [
    [
      [878, 144],
      [878, 446],
    ],
    [878, 148],
  ],
  'refreshingToken→connecting': [
    [
      [440, 144],
      [440, 222],
    ],
    [440, 150],
  ],
  'connection.refreshingToken.online→connection.refreshingToken.offline': [
    [
      [556, 101],
      [786, 101],
    ],
    [553, 104],
  ],
  'connection.refreshingToken.online→choice 2': [
    [
      [410, 118],
      [410, 446],
    ],
    [228, 174],
  ],
  'connection.disconnecting→connection.disconnected': [
    [
      [60, 440],
      [60, 364],
    ],
    [66, 374],
  ],
}
