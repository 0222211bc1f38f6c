// For webpack and Rspack. Without `performance` they warn of each application larger than 244 and 300 KiB.
export default { mode: 'production', devtool: 'source-map', entry: './main.js', performance: { hints: false } }
