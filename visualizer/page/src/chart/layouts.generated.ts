// Made by scripts/layout-charts.mjs: do not edit.
import type { Layout } from './layout.ts'

export const layouts: { readonly [id: string]: { readonly signature: string; readonly layout: Layout } } = {
 "connection": {
  "signature": "lnr3c7",
  "layout": {
   "width": 1238,
   "height": 656,
   "anywhere": {
    "x": 16,
    "y": 522,
    "width": 211,
    "height": 92
   },
   "nodes": {
    "connection.idle": {
     "x": 16,
     "y": 233,
     "width": 110,
     "height": 34
    },
    "choice 1": {
     "x": 222,
     "y": 239,
     "width": 44,
     "height": 22
    },
    "connecting": {
     "x": 450,
     "y": 222,
     "width": 190,
     "height": 56
    },
    "choice 2": {
     "x": 400,
     "y": 446,
     "width": 780,
     "height": 22
    },
    "connection.connected": {
     "x": 860,
     "y": 190,
     "width": 310,
     "height": 228
    },
    "connection.connected.restoring": {
     "x": 900,
     "y": 254,
     "width": 172,
     "height": 34
    },
    "ready": {
     "x": 900,
     "y": 324,
     "width": 172,
     "height": 56
    },
    "reconnecting": {
     "x": 312,
     "y": 540,
     "width": 280,
     "height": 56
    },
    "failed": {
     "x": 1010,
     "y": 540,
     "width": 170,
     "height": 56
    },
    "recovering": {
     "x": 602,
     "y": 540,
     "width": 250,
     "height": 56
    },
    "refreshingToken": {
     "x": 390,
     "y": 16,
     "width": 500,
     "height": 128
    },
    "connection.refreshingToken.online": {
     "x": 406,
     "y": 84,
     "width": 130,
     "height": 34
    },
    "connection.refreshingToken.offline": {
     "x": 780,
     "y": 84,
     "width": 102,
     "height": 34
    },
    "connection.disconnecting": {
     "x": 16,
     "y": 440,
     "width": 190,
     "height": 56
    },
    "connection.disconnected": {
     "x": 16,
     "y": 330,
     "width": 150,
     "height": 34
    }
   },
   "edges": {
    "connection.idle→choice 1": {
     "points": [
      [
       126,
       250
      ],
      [
       222,
       250
      ]
     ],
     "label": {
      "x": 150,
      "y": 229,
      "width": 58,
      "height": 17
     }
    },
    "choice 1→refreshingToken": {
     "points": [
      [
       244,
       239
      ],
      [
       244,
       60
      ],
      [
       390,
       60
      ]
     ],
     "label": {
      "x": 249,
      "y": 64,
      "width": 140,
      "height": 17
     }
    },
    "choice 1→connecting": {
     "points": [
      [
       266,
       250
      ],
      [
       450,
       250
      ]
     ],
     "label": {
      "x": 296,
      "y": 231,
      "width": 64,
      "height": 17
     }
    },
    "connecting→connecting": {
     "points": [
      [
       500,
       222
      ],
      [
       500,
       205
      ],
      [
       560,
       205
      ],
      [
       560,
       222
      ]
     ],
     "label": {
      "x": 430,
      "y": 168,
      "width": 140,
      "height": 17
     }
    },
    "connecting→connection.connected": {
     "points": [
      [
       640,
       240
      ],
      [
       860,
       240
      ]
     ],
     "label": {
      "x": 640,
      "y": 216,
      "width": 115,
      "height": 17
     }
    },
    "connecting→choice 2": {
     "points": [
      [
       480,
       278
      ],
      [
       480,
       446
      ]
     ],
     "label": {
      "x": 484,
      "y": 320,
      "width": 140,
      "height": 32
     }
    },
    "choice 2→failed": {
     "points": [
      [
       1060,
       468
      ],
      [
       1060,
       540
      ]
     ],
     "label": {
      "x": 1064,
      "y": 480,
      "width": 128,
      "height": 47
     }
    },
    "choice 2→refreshingToken": {
     "points": [
      [
       756,
       446
      ],
      [
       756,
       144
      ]
     ],
     "label": {
      "x": 617,
      "y": 176,
      "width": 140,
      "height": 17
     }
    },
    "choice 2→connecting": {
     "points": [
      [
       624,
       446
      ],
      [
       624,
       278
      ]
     ],
     "label": {
      "x": 628,
      "y": 360,
      "width": 96,
      "height": 17
     }
    },
    "choice 2→recovering": {
     "points": [
      [
       730,
       468
      ],
      [
       730,
       540
      ]
     ],
     "label": {
      "x": 734,
      "y": 494,
      "width": 128,
      "height": 17
     }
    },
    "choice 2→reconnecting": {
     "points": [
      [
       460,
       468
      ],
      [
       460,
       540
      ]
     ],
     "label": {
      "x": 464,
      "y": 494,
      "width": 115,
      "height": 17
     }
    },
    "connection.connected→choice 2": {
     "points": [
      [
       1000,
       418
      ],
      [
       1000,
       446
      ]
     ],
     "label": {
      "x": 1004,
      "y": 424,
      "width": 134,
      "height": 17
     }
    },
    "connection.connected.restoring→ready": {
     "points": [
      [
       960,
       288
      ],
      [
       960,
       324
      ]
     ],
     "label": {
      "x": 964,
      "y": 297,
      "width": 153,
      "height": 17
     }
    },
    "ready→refreshingToken": {
     "points": [
      [
       1072,
       340
      ],
      [
       1196,
       340
      ],
      [
       1196,
       110
      ],
      [
       890,
       110
      ]
     ],
     "label": {
      "x": 900,
      "y": 114,
      "width": 236,
      "height": 17
     }
    },
    "ready→ready": {
     "points": [
      [
       930,
       380
      ],
      [
       930,
       397
      ],
      [
       990,
       397
      ],
      [
       990,
       380
      ]
     ],
     "label": {
      "x": 996,
      "y": 388,
      "width": 160,
      "height": 17
     }
    },
    "reconnecting→choice 1": {
     "points": [
      [
       312,
       568
      ],
      [
       256,
       568
      ],
      [
       256,
       261
      ]
     ],
     "label": {
      "x": 260,
      "y": 500,
      "width": 140,
      "height": 17
     }
    },
    "failed→recovering": {
     "points": [
      [
       1010,
       560
      ],
      [
       852,
       560
      ]
     ],
     "label": {
      "x": 846,
      "y": 536,
      "width": 160,
      "height": 17
     }
    },
    "recovering→refreshingToken": {
     "points": [
      [
       780,
       596
      ],
      [
       780,
       640
      ],
      [
       1222,
       640
      ],
      [
       1222,
       36
      ],
      [
       890,
       36
      ]
     ],
     "label": {
      "x": 790,
      "y": 620,
      "width": 280,
      "height": 17
     }
    },
    "recovering→choice 1": {
     "points": [
      [
       700,
       596
      ],
      [
       700,
       626
      ],
      [
       244,
       626
      ],
      [
       244,
       261
      ]
     ],
     "label": {
      "x": 400,
      "y": 606,
      "width": 179,
      "height": 17
     }
    },
    "refreshingToken→ready": {
     "points": [
      [
       890,
       60
      ],
      [
       1209,
       60
      ],
      [
       1209,
       362
      ],
      [
       1072,
       362
      ]
     ],
     "label": {
      "x": 900,
      "y": 64,
      "width": 204,
      "height": 32
     }
    },
    "refreshingToken→choice 2": {
     "points": [
      [
       785,
       144
      ],
      [
       785,
       446
      ]
     ],
     "label": {
      "x": 790,
      "y": 148,
      "width": 185,
      "height": 32
     }
    },
    "refreshingToken→connecting": {
     "points": [
      [
       480,
       144
      ],
      [
       480,
       222
      ]
     ],
     "label": {
      "x": 484,
      "y": 150,
      "width": 90,
      "height": 17
     }
    },
    "connection.refreshingToken.online→connection.refreshingToken.offline": {
     "points": [
      [
       536,
       101
      ],
      [
       780,
       101
      ]
     ],
     "label": {
      "x": 540,
      "y": 104,
      "width": 236,
      "height": 32
     }
    },
    "connection.refreshingToken.online→choice 2": {
     "points": [
      [
       430,
       118
      ],
      [
       430,
       446
      ]
     ],
     "label": {
      "x": 246,
      "y": 174,
      "width": 179,
      "height": 17
     }
    },
    "connection.disconnecting→connection.disconnected": {
     "points": [
      [
       60,
       440
      ],
      [
       60,
       364
      ]
     ],
     "label": {
      "x": 66,
      "y": 374,
      "width": 160,
      "height": 47
     }
    },
    "connection.disconnected→choice 1": {
     "points": [
      [
       166,
       347
      ],
      [
       232,
       347
      ],
      [
       232,
       261
      ]
     ],
     "label": {
      "x": 172,
      "y": 329,
      "width": 58,
      "height": 17
     }
    }
   }
  }
 },
 "subscriptions": {
  "signature": "h0xfbu",
  "layout": {
   "width": 1551,
   "height": 990,
   "anywhere": {
    "x": 16,
    "y": 912,
    "width": 230,
    "height": 62
   },
   "nodes": {
    "subscriptions.offline": {
     "x": 1415,
     "y": 196,
     "width": 103,
     "height": 34
    },
    "subscriptions.restoring": {
     "x": 995,
     "y": 480,
     "width": 251,
     "height": 153
    },
    "subscriptions.restoring.awaiting": {
     "x": 1011,
     "y": 561,
     "width": 219,
     "height": 56
    },
    "choice 1": {
     "x": 1222,
     "y": 747,
     "width": 44,
     "height": 22
    },
    "subscriptions.unanswered": {
     "x": 911,
     "y": 744,
     "width": 114,
     "height": 34
    },
    "subscriptions.deaf": {
     "x": 904,
     "y": 862,
     "width": 96,
     "height": 34
    },
    "subscriptions.settled": {
     "x": 1196,
     "y": 862,
     "width": 96,
     "height": 34
    },
    "subscriptions.syncing": {
     "x": 408,
     "y": 480,
     "width": 251,
     "height": 153
    },
    "subscriptions.syncing.awaiting": {
     "x": 424,
     "y": 561,
     "width": 219,
     "height": 56
    },
    "subscriptions.resyncing": {
     "x": 456,
     "y": 744,
     "width": 106,
     "height": 34
    },
    "subscriptions.refused": {
     "x": 227,
     "y": 30,
     "width": 508.5,
     "height": 361
    },
    "subscriptions.refused.waiting": {
     "x": 368,
     "y": 341,
     "width": 103,
     "height": 34
    },
    "subscriptions.refused.syncing": {
     "x": 368,
     "y": 116,
     "width": 251,
     "height": 153
    },
    "subscriptions.refused.syncing.awaiting": {
     "x": 384,
     "y": 197,
     "width": 219,
     "height": 56
    }
   },
   "edges": {
    "subscriptions.restoring→subscriptions.restoring.awaiting": {
     "points": [
      [
       1121,
       480
      ],
      [
       1120.5,
       561
      ]
     ],
     "label": {
      "x": 1022.5,
      "y": 524,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.restoring→choice 1": {
     "points": [
      [
       1141,
       633
      ],
      [
       1141,
       652
      ],
      [
       1244,
       652
      ],
      [
       1244,
       747
      ]
     ],
     "label": {
      "x": 1151,
      "y": 677,
      "width": 90,
      "height": 17
     }
    },
    "choice 1→subscriptions.refused": {
     "points": [
      [
       1255,
       747
      ],
      [
       1255,
       708
      ],
      [
       1534,
       708
      ],
      [
       1534,
       16
      ],
      [
       243,
       16
      ],
      [
       243,
       30
      ]
     ],
     "label": {
      "x": 1410,
      "y": 435,
      "width": 121,
      "height": 17
     }
    },
    "choice 1→subscriptions.settled": {
     "points": [
      [
       1244,
       769
      ],
      [
       1244,
       862
      ]
     ],
     "label": {
      "x": 1177,
      "y": 806,
      "width": 64,
      "height": 17
     }
    },
    "subscriptions.restoring→subscriptions.unanswered": {
     "points": [
      [
       1131,
       633
      ],
      [
       1131,
       663
      ],
      [
       1053,
       663
      ],
      [
       1053,
       719
      ],
      [
       997,
       719
      ],
      [
       997,
       744
      ]
     ],
     "label": {
      "x": 1057,
      "y": 677,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.restoring.awaiting→subscriptions.unanswered": {
     "points": [
      [
       1120.5,
       617
      ],
      [
       1121,
       638
      ],
      [
       1121,
       652
      ],
      [
       1041,
       652
      ],
      [
       1041,
       708
      ],
      [
       968,
       708
      ],
      [
       968,
       744
      ]
     ],
     "label": {
      "x": 885,
      "y": 677,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.unanswered→subscriptions.deaf": {
     "points": [
      [
       968,
       778
      ],
      [
       968,
       862
      ]
     ],
     "label": {
      "x": 869,
      "y": 806,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.unanswered→subscriptions.restoring": {
     "points": [
      [
       940,
       744
      ],
      [
       940,
       708
      ],
      [
       869,
       708
      ],
      [
       869,
       466
      ],
      [
       1111,
       466
      ],
      [
       1111,
       480
      ]
     ],
     "label": {
      "x": 873,
      "y": 550.5,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.settled→subscriptions.syncing": {
     "points": [
      [
       1220,
       862
      ],
      [
       1220,
       837
      ],
      [
       852,
       837
      ],
      [
       852,
       466
      ],
      [
       524,
       466
      ],
      [
       524,
       480
      ]
     ],
     "label": {
      "x": 747,
      "y": 677,
      "width": 102,
      "height": 17
     }
    },
    "subscriptions.syncing→subscriptions.syncing.awaiting": {
     "points": [
      [
       534,
       480
      ],
      [
       533.5,
       561
      ]
     ],
     "label": {
      "x": 435.5,
      "y": 524,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.syncing→choice 1": {
     "points": [
      [
       554,
       633
      ],
      [
       554,
       652
      ],
      [
       735,
       652
      ],
      [
       735,
       730
      ],
      [
       1233,
       730
      ],
      [
       1233,
       747
      ]
     ],
     "label": {
      "x": 642,
      "y": 677,
      "width": 90,
      "height": 17
     }
    },
    "subscriptions.syncing→subscriptions.resyncing": {
     "points": [
      [
       544,
       633
      ],
      [
       544,
       744
      ]
     ],
     "label": {
      "x": 548,
      "y": 677,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.syncing.awaiting→subscriptions.resyncing": {
     "points": [
      [
       533.5,
       617
      ],
      [
       534,
       638
      ],
      [
       534,
       652
      ],
      [
       532,
       652
      ],
      [
       532,
       708
      ],
      [
       527,
       708
      ],
      [
       527,
       744
      ]
     ],
     "label": {
      "x": 376,
      "y": 677,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.resyncing→subscriptions.deaf": {
     "points": [
      [
       509,
       778
      ],
      [
       509,
       848
      ],
      [
       936,
       848
      ],
      [
       936,
       862
      ]
     ],
     "label": {
      "x": 410,
      "y": 806,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.resyncing→subscriptions.syncing": {
     "points": [
      [
       509,
       744
      ],
      [
       509,
       708
      ],
      [
       360,
       708
      ],
      [
       360,
       652
      ],
      [
       381,
       652
      ],
      [
       381,
       466
      ],
      [
       504,
       466
      ],
      [
       504,
       480
      ]
     ],
     "label": {
      "x": 282,
      "y": 550.5,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.refused→subscriptions.syncing": {
     "points": [
      [
       514,
       391
      ],
      [
       514,
       480
      ]
     ],
     "label": {
      "x": 358,
      "y": 435,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.refused.waiting→subscriptions.refused.syncing": {
     "points": [
      [
       402.3,
       341
      ],
      [
       402.3,
       331
      ],
      [
       347,
       331
      ],
      [
       347,
       106
      ],
      [
       483.5,
       106
      ],
      [
       483.5,
       116
      ]
     ],
     "label": {
      "x": 243,
      "y": 186.5,
      "width": 102,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.refused.syncing.awaiting": {
     "points": [
      [
       493.5,
       116
      ],
      [
       493.5,
       197
      ]
     ],
     "label": {
      "x": 395.5,
      "y": 160,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.refused.waiting": {
     "points": [
      [
       513.5,
       269
      ],
      [
       513.5,
       294
      ],
      [
       707.5,
       294
      ],
      [
       707.5,
       331
      ],
      [
       436.7,
       331
      ],
      [
       436.7,
       341
      ]
     ],
     "label": {
      "x": 514.5,
      "y": 304,
      "width": 191,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.settled": {
     "points": [
      [
       523.5,
       269
      ],
      [
       523.5,
       284
      ],
      [
       718.5,
       284
      ],
      [
       719,
       396
      ],
      [
       719,
       410
      ],
      [
       1393,
       410
      ],
      [
       1393,
       837
      ],
      [
       1268,
       837
      ],
      [
       1268,
       862
      ]
     ],
     "label": {
      "x": 1256,
      "y": 677,
      "width": 134,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.resyncing": {
     "points": [
      [
       503.5,
       269
      ],
      [
       504,
       396
      ],
      [
       504,
       421
      ],
      [
       184,
       421
      ],
      [
       184,
       719
      ],
      [
       491,
       719
      ],
      [
       491,
       744
      ]
     ],
     "label": {
      "x": 188,
      "y": 550.5,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.refused.syncing.awaiting→subscriptions.resyncing": {
     "points": [
      [
       493.5,
       253
      ],
      [
       493.5,
       284
      ],
      [
       357,
       284
      ],
      [
       357,
       410
      ],
      [
       172,
       410
      ],
      [
       172,
       730
      ],
      [
       474,
       730
      ],
      [
       474,
       744
      ]
     ],
     "label": {
      "x": 16,
      "y": 550.5,
      "width": 153,
      "height": 17
     }
    }
   }
  }
 },
 "periodicRequest": {
  "signature": "yt1lpb",
  "layout": {
   "width": 904,
   "height": 464,
   "anywhere": {
    "x": 16,
    "y": 401,
    "width": 205,
    "height": 47
   },
   "nodes": {
    "periodicRequest.offline": {
     "x": 61,
     "y": 177,
     "width": 146,
     "height": 34
    },
    "periodicRequest.awaiting": {
     "x": 252,
     "y": 329,
     "width": 213,
     "height": 56
    },
    "periodicRequest.due": {
     "x": 300,
     "y": 155,
     "width": 168,
     "height": 56
    },
    "periodicRequest.paused": {
     "x": 494,
     "y": 16,
     "width": 394,
     "height": 195
    },
    "periodicRequest.paused.offline": {
     "x": 646,
     "y": 161,
     "width": 152,
     "height": 34
    },
    "periodicRequest.paused.ready": {
     "x": 552,
     "y": 60,
     "width": 120,
     "height": 34
    }
   },
   "edges": {
    "periodicRequest.offline→periodicRequest.awaiting": {
     "points": [
      [
       134,
       211
      ],
      [
       134,
       315
      ],
      [
       305,
       315
      ],
      [
       305,
       329
      ]
     ],
     "label": {
      "x": 16,
      "y": 261.5,
      "width": 115,
      "height": 17
     }
    },
    "periodicRequest.awaiting→periodicRequest.due": {
     "points": [
      [
       359,
       329
      ],
      [
       359,
       225
      ],
      [
       356,
       225
      ],
      [
       356,
       211
      ]
     ],
     "label": {
      "x": 146,
      "y": 239,
      "width": 210,
      "height": 62
     }
    },
    "periodicRequest.due→periodicRequest.awaiting": {
     "points": [
      [
       412,
       211
      ],
      [
       412,
       329
      ]
     ],
     "label": {
      "x": 416,
      "y": 261.5,
      "width": 102,
      "height": 17
     }
    },
    "periodicRequest.paused→periodicRequest.paused.offline": {
     "points": [
      [
       760,
       16
      ],
      [
       760,
       161
      ]
     ],
     "label": {
      "x": 763,
      "y": 68.5,
      "width": 109,
      "height": 17
     }
    },
    "periodicRequest.paused.offline→periodicRequest.paused.ready": {
     "points": [
      [
       722,
       161
      ],
      [
       722,
       141
      ],
      [
       632,
       141
      ],
      [
       632,
       94
      ]
     ],
     "label": {
      "x": 635,
      "y": 114,
      "width": 115,
      "height": 17
     }
    },
    "periodicRequest.paused.ready→periodicRequest.paused.offline": {
     "points": [
      [
       592,
       94
      ],
      [
       592,
       104
      ],
      [
       621,
       104
      ],
      [
       621,
       151
      ],
      [
       684,
       151
      ],
      [
       684,
       161
      ]
     ],
     "label": {
      "x": 510,
      "y": 114,
      "width": 109,
      "height": 17
     }
    }
   }
  }
 }
}
