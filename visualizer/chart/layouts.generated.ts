// Made by scripts/layout-charts.mjs: do not edit.
import type { Layout } from './layout.ts'

export const layouts: { readonly [id: string]: { readonly signature: string; readonly layout: Layout } } = {
 "connection": {
  "signature": "vtkduu",
  "layout": {
   "width": 1538,
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
     "x": 426,
     "y": 222,
     "width": 190,
     "height": 56
    },
    "choice 2": {
     "x": 400,
     "y": 446,
     "width": 1040,
     "height": 22
    },
    "connection.connected": {
     "x": 886,
     "y": 190,
     "width": 620,
     "height": 228
    },
    "connection.connected.restoring": {
     "x": 906,
     "y": 254,
     "width": 172,
     "height": 34
    },
    "ready": {
     "x": 906,
     "y": 324,
     "width": 172,
     "height": 56
    },
    "reauthenticating": {
     "x": 1250,
     "y": 324,
     "width": 190,
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
     "x": 370,
     "y": 16,
     "width": 520,
     "height": 128
    },
    "connection.refreshingToken.online": {
     "x": 384,
     "y": 84,
     "width": 172,
     "height": 34
    },
    "connection.refreshingToken.offline": {
     "x": 786,
     "y": 84,
     "width": 96,
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
       232,
       239
      ],
      [
       232,
       60
      ],
      [
       370,
       60
      ]
     ],
     "label": {
      "x": 86,
      "y": 110,
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
       426,
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
    "connecting→refreshingToken": {
     "points": [
      [
       572,
       222
      ],
      [
       572,
       144
      ]
     ],
     "label": {
      "x": 572,
      "y": 158,
      "width": 293,
      "height": 17
     }
    },
    "connecting→connecting": {
     "points": [
      [
       586,
       222
      ],
      [
       586,
       205
      ],
      [
       610,
       205
      ],
      [
       610,
       222
      ]
     ],
     "label": {
      "x": 578,
      "y": 182,
      "width": 255,
      "height": 17
     }
    },
    "connecting→connection.connected": {
     "points": [
      [
       616,
       230
      ],
      [
       886,
       230
      ]
     ],
     "label": {
      "x": 616,
      "y": 206,
      "width": 115,
      "height": 17
     }
    },
    "connecting→choice 2": {
     "points": [
      [
       440,
       278
      ],
      [
       440,
       446
      ]
     ],
     "label": {
      "x": 440,
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
       866,
       446
      ],
      [
       866,
       144
      ]
     ],
     "label": {
      "x": 722,
      "y": 400,
      "width": 140,
      "height": 17
     }
    },
    "choice 2→connecting": {
     "points": [
      [
       590,
       446
      ],
      [
       590,
       278
      ]
     ],
     "label": {
      "x": 590,
      "y": 400,
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
       920,
       288
      ],
      [
       920,
       324
      ]
     ],
     "label": {
      "x": 924,
      "y": 297,
      "width": 153,
      "height": 17
     }
    },
    "ready→refreshingToken": {
     "points": [
      [
       1078,
       334
      ],
      [
       1092,
       334
      ],
      [
       1092,
       110
      ],
      [
       890,
       110
      ]
     ],
     "label": {
      "x": 1110,
      "y": 114,
      "width": 242,
      "height": 47
     }
    },
    "ready→connecting": {
     "points": [
      [
       906,
       352
      ],
      [
       636,
       352
      ],
      [
       636,
       262
      ],
      [
       616,
       262
      ]
     ],
     "label": {
      "x": 590,
      "y": 354,
      "width": 255,
      "height": 32
     }
    },
    "ready→ready": {
     "points": [
      [
       936,
       380
      ],
      [
       936,
       397
      ],
      [
       996,
       397
      ],
      [
       996,
       380
      ]
     ],
     "label": {
      "x": 998,
      "y": 388,
      "width": 160,
      "height": 17
     }
    },
    "reauthenticating→ready": {
     "points": [
      [
       1250,
       362
      ],
      [
       1078,
       362
      ]
     ],
     "label": {
      "x": 1080,
      "y": 366,
      "width": 172,
      "height": 17
     }
    },
    "reauthenticating→connecting": {
     "points": [
      [
       1385,
       324
      ],
      [
       1385,
       244
      ],
      [
       616,
       244
      ]
     ],
     "label": {
      "x": 1110,
      "y": 250,
      "width": 267,
      "height": 32
     }
    },
    "reauthenticating→choice 2": {
     "points": [
      [
       1400,
       380
      ],
      [
       1400,
       446
      ]
     ],
     "label": {
      "x": 1236,
      "y": 424,
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
       1522,
       640
      ],
      [
       1522,
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
    "refreshingToken→reauthenticating": {
     "points": [
      [
       890,
       54
      ],
      [
       1410,
       54
      ],
      [
       1410,
       324
      ]
     ],
     "label": {
      "x": 900,
      "y": 56,
      "width": 204,
      "height": 17
     }
    },
    "refreshingToken→connecting": {
     "points": [
      [
       440,
       144
      ],
      [
       440,
       222
      ]
     ],
     "label": {
      "x": 440,
      "y": 150,
      "width": 134,
      "height": 17
     }
    },
    "refreshingToken→ready": {
     "points": [
      [
       890,
       74
      ],
      [
       1106,
       74
      ],
      [
       1106,
       346
      ],
      [
       1078,
       346
      ]
     ],
     "label": {
      "x": 900,
      "y": 76,
      "width": 204,
      "height": 32
     }
    },
    "refreshingToken→choice 2": {
     "points": [
      [
       878,
       144
      ],
      [
       878,
       446
      ]
     ],
     "label": {
      "x": 878,
      "y": 148,
      "width": 185,
      "height": 32
     }
    },
    "connection.refreshingToken.online→connection.refreshingToken.offline": {
     "points": [
      [
       556,
       101
      ],
      [
       786,
       101
      ]
     ],
     "label": {
      "x": 553,
      "y": 104,
      "width": 236,
      "height": 32
     }
    },
    "connection.refreshingToken.online→choice 2": {
     "points": [
      [
       410,
       118
      ],
      [
       410,
       446
      ]
     ],
     "label": {
      "x": 228,
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
   "width": 1186,
   "height": 524,
   "anywhere": {
    "x": 16,
    "y": 446,
    "width": 230,
    "height": 62
   },
   "nodes": {
    "subscriptions.offline": {
     "x": 16,
     "y": 16,
     "width": 106,
     "height": 34
    },
    "subscriptions.restoring": {
     "x": 140,
     "y": 16,
     "width": 254,
     "height": 132
    },
    "choice 1": {
     "x": 590,
     "y": 71,
     "width": 44,
     "height": 22
    },
    "subscriptions.restoring.awaiting": {
     "x": 156,
     "y": 76,
     "width": 222,
     "height": 56
    },
    "subscriptions.unanswered": {
     "x": 160,
     "y": 240,
     "width": 150,
     "height": 34
    },
    "subscriptions.deaf": {
     "x": 106,
     "y": 392,
     "width": 96,
     "height": 34
    },
    "subscriptions.settled": {
     "x": 860,
     "y": 65,
     "width": 96,
     "height": 34
    },
    "subscriptions.syncing": {
     "x": 400,
     "y": 200,
     "width": 254,
     "height": 132
    },
    "subscriptions.syncing.awaiting": {
     "x": 416,
     "y": 260,
     "width": 222,
     "height": 56
    },
    "subscriptions.resyncing": {
     "x": 300,
     "y": 392,
     "width": 120,
     "height": 34
    },
    "subscriptions.refused": {
     "x": 800,
     "y": 150,
     "width": 340,
     "height": 318
    },
    "subscriptions.refused.waiting": {
     "x": 820,
     "y": 216,
     "width": 110,
     "height": 34
    },
    "subscriptions.refused.syncing": {
     "x": 820,
     "y": 320,
     "width": 254,
     "height": 132
    },
    "subscriptions.refused.syncing.awaiting": {
     "x": 836,
     "y": 380,
     "width": 222,
     "height": 56
    }
   },
   "edges": {
    "subscriptions.restoring→subscriptions.restoring.awaiting": {
     "points": [
      [
       290,
       16
      ],
      [
       290,
       76
      ]
     ],
     "label": {
      "x": 292,
      "y": 40,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.restoring→choice 1": {
     "points": [
      [
       394,
       82
      ],
      [
       590,
       82
      ]
     ],
     "label": {
      "x": 430,
      "y": 62,
      "width": 90,
      "height": 17
     }
    },
    "choice 1→subscriptions.refused": {
     "points": [
      [
       612,
       71
      ],
      [
       612,
       30
      ],
      [
       985,
       30
      ],
      [
       985,
       150
      ]
     ],
     "label": {
      "x": 622,
      "y": 34,
      "width": 121,
      "height": 17
     }
    },
    "choice 1→subscriptions.settled": {
     "points": [
      [
       634,
       82
      ],
      [
       860,
       82
      ]
     ],
     "label": {
      "x": 680,
      "y": 62,
      "width": 64,
      "height": 17
     }
    },
    "subscriptions.restoring→subscriptions.unanswered": {
     "points": [
      [
       190,
       148
      ],
      [
       190,
       240
      ]
     ],
     "label": {
      "x": 192,
      "y": 186,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.restoring.awaiting→subscriptions.unanswered": {
     "points": [
      [
       280,
       132
      ],
      [
       280,
       240
      ]
     ],
     "label": {
      "x": 282,
      "y": 164,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.unanswered→subscriptions.deaf": {
     "points": [
      [
       180,
       274
      ],
      [
       180,
       392
      ]
     ],
     "label": {
      "x": 182,
      "y": 320,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.unanswered→subscriptions.restoring": {
     "points": [
      [
       160,
       257
      ],
      [
       122,
       257
      ],
      [
       122,
       110
      ],
      [
       140,
       110
      ]
     ],
     "label": {
      "x": 20,
      "y": 176,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.settled→subscriptions.syncing": {
     "points": [
      [
       880,
       99
      ],
      [
       880,
       128
      ],
      [
       690,
       128
      ],
      [
       690,
       236
      ],
      [
       654,
       236
      ]
     ],
     "label": {
      "x": 720,
      "y": 108,
      "width": 102,
      "height": 17
     }
    },
    "subscriptions.syncing→subscriptions.syncing.awaiting": {
     "points": [
      [
       545,
       200
      ],
      [
       545,
       260
      ]
     ],
     "label": {
      "x": 547,
      "y": 226,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.syncing→choice 1": {
     "points": [
      [
       612,
       200
      ],
      [
       612,
       93
      ]
     ],
     "label": {
      "x": 514,
      "y": 140,
      "width": 90,
      "height": 17
     }
    },
    "subscriptions.syncing→subscriptions.resyncing": {
     "points": [
      [
       510,
       332
      ],
      [
       510,
       402
      ],
      [
       420,
       402
      ]
     ],
     "label": {
      "x": 420,
      "y": 382,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.syncing.awaiting→subscriptions.resyncing": {
     "points": [
      [
       530,
       316
      ],
      [
       530,
       418
      ],
      [
       420,
       418
      ]
     ],
     "label": {
      "x": 532,
      "y": 356,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.resyncing→subscriptions.deaf": {
     "points": [
      [
       300,
       409
      ],
      [
       202,
       409
      ]
     ],
     "label": {
      "x": 199,
      "y": 388,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.resyncing→subscriptions.syncing": {
     "points": [
      [
       350,
       392
      ],
      [
       350,
       290
      ],
      [
       400,
       290
      ]
     ],
     "label": {
      "x": 352,
      "y": 340,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.refused→subscriptions.syncing": {
     "points": [
      [
       800,
       300
      ],
      [
       654,
       300
      ]
     ],
     "label": {
      "x": 650,
      "y": 280,
      "width": 153,
      "height": 17
     }
    },
    "subscriptions.refused.waiting→subscriptions.refused.syncing": {
     "points": [
      [
       860,
       250
      ],
      [
       860,
       320
      ]
     ],
     "label": {
      "x": 862,
      "y": 278,
      "width": 102,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.refused.syncing.awaiting": {
     "points": [
      [
       965,
       320
      ],
      [
       965,
       380
      ]
     ],
     "label": {
      "x": 967,
      "y": 346,
      "width": 96,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.refused.waiting": {
     "points": [
      [
       1050,
       320
      ],
      [
       1050,
       236
      ],
      [
       930,
       236
      ]
     ],
     "label": {
      "x": 934,
      "y": 216,
      "width": 191,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.settled": {
     "points": [
      [
       1074,
       400
      ],
      [
       1164,
       400
      ],
      [
       1164,
       82
      ],
      [
       956,
       82
      ]
     ],
     "label": {
      "x": 1010,
      "y": 62,
      "width": 134,
      "height": 17
     }
    },
    "subscriptions.refused.syncing→subscriptions.resyncing": {
     "points": [
      [
       820,
       440
      ],
      [
       385,
       440
      ],
      [
       385,
       426
      ]
     ],
     "label": {
      "x": 560,
      "y": 420,
      "width": 83,
      "height": 17
     }
    },
    "subscriptions.refused.syncing.awaiting→subscriptions.resyncing": {
     "points": [
      [
       880,
       436
      ],
      [
       880,
       492
      ],
      [
       345,
       492
      ],
      [
       345,
       426
      ]
     ],
     "label": {
      "x": 560,
      "y": 472,
      "width": 153,
      "height": 17
     }
    }
   }
  }
 },
 "periodicRequest": {
  "signature": "u77ph3",
  "layout": {
   "width": 816,
   "height": 778,
   "anywhere": {
    "x": 16,
    "y": 715,
    "width": 205,
    "height": 47
   },
   "nodes": {
    "periodicRequest.offline": {
     "x": 234,
     "y": 177,
     "width": 146,
     "height": 34
    },
    "periodicRequest.awaiting": {
     "x": 154,
     "y": 284,
     "width": 382.3,
     "height": 229
    },
    "periodicRequest.awaiting.sending": {
     "x": 170,
     "y": 328,
     "width": 206,
     "height": 56
    },
    "periodicRequest.awaiting.sent": {
     "x": 200.8,
     "y": 441,
     "width": 213,
     "height": 56
    },
    "periodicRequest.due": {
     "x": 254,
     "y": 643,
     "width": 168,
     "height": 56
    },
    "periodicRequest.paused": {
     "x": 406,
     "y": 16,
     "width": 394,
     "height": 195
    },
    "periodicRequest.paused.offline": {
     "x": 558,
     "y": 161,
     "width": 152,
     "height": 34
    },
    "periodicRequest.paused.ready": {
     "x": 464,
     "y": 60,
     "width": 120,
     "height": 34
    }
   },
   "edges": {
    "periodicRequest.offline→periodicRequest.awaiting": {
     "points": [
      [
       307,
       211
      ],
      [
       307,
       284
      ]
     ],
     "label": {
      "x": 189,
      "y": 239,
      "width": 115,
      "height": 17
     }
    },
    "periodicRequest.awaiting→periodicRequest.due": {
     "points": [
      [
       317,
       513
      ],
      [
       317,
       532
      ],
      [
       546,
       532
      ],
      [
       546,
       618
      ],
      [
       355,
       618
      ],
      [
       355,
       643
      ]
     ],
     "label": {
      "x": 333,
      "y": 557,
      "width": 210,
      "height": 47
     }
    },
    "periodicRequest.awaiting.sending→periodicRequest.awaiting.sent": {
     "points": [
      [
       307.3,
       384
      ],
      [
       307.3,
       441
      ]
     ],
     "label": {
      "x": 310.3,
      "y": 404,
      "width": 210,
      "height": 17
     }
    },
    "periodicRequest.awaiting.sending→periodicRequest.due": {
     "points": [
      [
       238.7,
       384
      ],
      [
       238.7,
       394
      ],
      [
       189.8,
       394
      ],
      [
       190,
       518
      ],
      [
       190,
       532
      ],
      [
       159,
       532
      ],
      [
       159,
       618
      ],
      [
       288,
       618
      ],
      [
       288,
       643
      ]
     ],
     "label": {
      "x": 16,
      "y": 572,
      "width": 140,
      "height": 17
     }
    },
    "periodicRequest.awaiting.sent→periodicRequest.due": {
     "points": [
      [
       307.3,
       497
      ],
      [
       307,
       518
      ],
      [
       307,
       543
      ],
      [
       321,
       543
      ],
      [
       321,
       643
      ]
     ],
     "label": {
      "x": 171,
      "y": 572,
      "width": 147,
      "height": 17
     }
    },
    "periodicRequest.due→periodicRequest.awaiting": {
     "points": [
      [
       388,
       643
      ],
      [
       388,
       629
      ],
      [
       563,
       629
      ],
      [
       563,
       270
      ],
      [
       317,
       270
      ],
      [
       317,
       284
      ]
     ],
     "label": {
      "x": 567,
      "y": 392.5,
      "width": 102,
      "height": 17
     }
    },
    "periodicRequest.paused→periodicRequest.paused.offline": {
     "points": [
      [
       672,
       16
      ],
      [
       672,
       161
      ]
     ],
     "label": {
      "x": 675,
      "y": 68.5,
      "width": 109,
      "height": 17
     }
    },
    "periodicRequest.paused.offline→periodicRequest.paused.ready": {
     "points": [
      [
       634,
       161
      ],
      [
       634,
       141
      ],
      [
       544,
       141
      ],
      [
       544,
       94
      ]
     ],
     "label": {
      "x": 547,
      "y": 114,
      "width": 115,
      "height": 17
     }
    },
    "periodicRequest.paused.ready→periodicRequest.paused.offline": {
     "points": [
      [
       504,
       94
      ],
      [
       504,
       104
      ],
      [
       533,
       104
      ],
      [
       533,
       151
      ],
      [
       596,
       151
      ],
      [
       596,
       161
      ]
     ],
     "label": {
      "x": 422,
      "y": 114,
      "width": 109,
      "height": 17
     }
    }
   }
  }
 }
}
